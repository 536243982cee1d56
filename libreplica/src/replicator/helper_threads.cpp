#include "replicator/helper_threads.hpp"

#include <algorithm>
#include <system_error>
#include <thread>

namespace replica::replicator {

class HelperThreads::Thread final : public Help {
 public:
  Thread(std::atomic<int>& free, std::function<void()> work) : free_(free), thread_(std::move(work)) {}
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;
  ~Thread() override {
    thread_.join();
    ++free_;
  }

 private:
  std::atomic<int>& free_;
  std::jthread thread_;
};

std::unique_ptr<engine::Helpers::Help> HelperThreads::begin(std::function<void()> work) {
  int free = free_.load();
  while (free > 0 && !free_.compare_exchange_weak(free, free - 1)) {
  }
  if (free <= 0) return nullptr;
  try {
    return std::make_unique<Thread>(free_, std::move(work));
  } catch (const std::system_error&) {  // the system gives no more threads
    ++free_;
    return nullptr;
  }
}

int helpers_for(int threads) noexcept {
  const auto processors = static_cast<int>(std::thread::hardware_concurrency());
  return std::clamp(processors - 1, 0, std::max(threads, 0));
}

}  // namespace replica::replicator

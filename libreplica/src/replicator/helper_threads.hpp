// Threads that are lent for as long as one piece of work takes; none is left between two.
#pragma once

#include <atomic>

#include "engine/helpers.hpp"

namespace replica::replicator {

class HelperThreads final : public engine::Helpers {
 public:
  // At most `most` at once.
  explicit HelperThreads(int most) : free_(most) {}
  std::unique_ptr<Help> begin(std::function<void()> work) override;

 private:
  class Thread;
  std::atomic<int> free_;
};

// As many as processors can be busy beside the threads of a pool, and no more than that pool has.
int helpers_for(int threads) noexcept;

}  // namespace replica::replicator

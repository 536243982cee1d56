// A fixed number of threads that run jobs in the order given.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace replica::replicator {

class WorkerPool {
 public:
  explicit WorkerPool(int threads);
  ~WorkerPool();  // finishes what runs, drops what waits

  void submit(std::function<void()> job);
  std::size_t waiting() const;  // jobs that no thread has taken yet
  // No job runs and none will when this returns.
  void stop();

 private:
  void run();
  mutable std::mutex lock_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace replica::replicator

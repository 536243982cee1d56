// A queue of jobs and the threads that work it off: one at first, more when all are busy. What is queued is bounded by
// who submits: a connection has one job at a time.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace control {

// A thread that leaves all signals to the threads of the application.
std::thread start_thread(const char* name, std::function<void()> body);

class Lane {
 public:
  Lane(const char* name, std::size_t max_threads);  // the name must be a literal
  ~Lane() { stop(); }
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  void submit(std::function<void()> job);  // must not throw
  // Works off what is queued and ends the threads. Nothing may be submitted any more.
  void stop();

 private:
  void grow();
  void work();

  const char* name_;
  std::size_t max_threads_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  std::size_t idle_ = 0;  // threads that wait for a job
  bool stopping_ = false;
  std::vector<std::thread> threads_;  // only touched by who owns the lane
};

}  // namespace control

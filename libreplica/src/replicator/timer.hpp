// One thread that calls back when a time has come.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <queue>
#include <thread>
#include <vector>

namespace replica::replicator {

class Timer {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Callback = std::function<void()>;  // on the timer's thread; must be short

  Timer();
  ~Timer();
  // Any thread, callbacks included.
  void at(Time when, Callback callback);
  void stop();  // no callback runs after it returns

 private:
  struct Entry {
    Time when;
    Callback callback;
    bool operator>(const Entry& other) const noexcept { return when > other.when; }
  };
  void run();
  std::mutex lock_;
  std::condition_variable changed_;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> entries_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace replica::replicator

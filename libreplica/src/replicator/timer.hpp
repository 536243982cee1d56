// One thread that calls back when a time has come.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "base/inline_function.hpp"

namespace replica::replicator {

class Timer {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // On the timer's thread, with the time it was meant for; must be short.
  using Callback = base::InlineFunction<32, Time>;

  Timer();
  ~Timer();
  // Any thread, callbacks included.
  void at(Time when, Callback callback);
  void stop();  // no callback runs after it returns

 private:
  struct Entry {
    Time when;
    Callback callback;
  };
  static bool is_later(const Entry& a, const Entry& b) noexcept { return a.when > b.when; }
  void run();
  void give_back_room();
  static constexpr std::size_t kRoom = 1024;  // that is never given back
  std::mutex lock_;
  std::condition_variable changed_;
  std::vector<Entry> entries_;  // a heap, the next one first
  std::size_t most_ = 0;        // there were, in the room that entries_ has
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace replica::replicator

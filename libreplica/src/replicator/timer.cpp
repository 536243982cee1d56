#include "replicator/timer.hpp"

#include <algorithm>
#include <utility>

namespace replica::replicator {

Timer::Timer() : thread_([this] { run(); }) {}

Timer::~Timer() { stop(); }

void Timer::at(Time when, Callback callback) {
  bool first = false;
  {
    const std::lock_guard guard(lock_);
    if (stopping_) return;
    first = entries_.empty() || when < entries_.front().when;
    entries_.push_back({when, std::move(callback)});
    std::push_heap(entries_.begin(), entries_.end(), is_later);
  }
  if (first) changed_.notify_one();
}

void Timer::stop() {
  {
    const std::lock_guard guard(lock_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Timer::run() {
  std::unique_lock lock(lock_);
  while (!stopping_) {
    if (entries_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const Time when = entries_.front().when;
    if (std::chrono::steady_clock::now() < when) {
      changed_.wait_until(lock, when);
      continue;
    }
    std::pop_heap(entries_.begin(), entries_.end(), is_later);
    Callback callback = std::move(entries_.back().callback);
    entries_.pop_back();
    lock.unlock();
    callback(when);
    lock.lock();
  }
}

}  // namespace replica::replicator

#include "replicator/timer.hpp"

namespace replica::replicator {

Timer::Timer() : thread_([this] { run(); }) {}

Timer::~Timer() { stop(); }

void Timer::at(Time when, Callback callback) {
  bool first = false;
  {
    const std::lock_guard guard(lock_);
    if (stopping_) return;
    first = entries_.empty() || when < entries_.top().when;
    entries_.push({when, std::move(callback)});
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
    const Time when = entries_.top().when;
    if (std::chrono::steady_clock::now() < when) {
      changed_.wait_until(lock, when);
      continue;
    }
    Callback callback = entries_.top().callback;
    entries_.pop();
    lock.unlock();
    callback();
    lock.lock();
  }
}

}  // namespace replica::replicator

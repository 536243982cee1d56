#include "replicator/timer.hpp"

#include <algorithm>
#include <iterator>
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
    most_ = std::max(most_, entries_.size());
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

// Very many wait for moments after a start that are few afterwards.
void Timer::give_back_room() {
  if (most_ < kRoom || entries_.size() > most_ - most_ / 4) return;
  std::vector<Entry> fewer;
  fewer.reserve(entries_.size() + entries_.size() / 4);
  std::move(entries_.begin(), entries_.end(), std::back_inserter(fewer));
  entries_ = std::move(fewer);
  most_ = entries_.size();
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
    give_back_room();
    lock.unlock();
    callback(when);
    lock.lock();
  }
}

}  // namespace replica::replicator

// Who comes up late, one after the other: work that was missed while nobody ran, or that is owed once after a start, is
// not begun for all databases at once.
#pragma once

#include <algorithm>
#include <mutex>

#include "replica/clock.hpp"

namespace replica::replicator {

// Safe from any thread.
class Turns {
 public:
  // 28 a second: 100,000 within an hour, and a few at once.
  static constexpr std::chrono::milliseconds kStep{36};

  // From now on, and behind everybody who has been given one.
  Clock::Steady next(Clock::Steady now) {
    const std::lock_guard guard(lock_);
    return last_ = std::max(now, last_ + kStep);
  }

 private:
  std::mutex lock_;
  Clock::Steady last_{};
};

}  // namespace replica::replicator

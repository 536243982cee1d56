// How often to look at a database that nothing is told of. What happens in a watched directory is told by events, so
// that an idle database is looked at less and less often; one whose changes come unannounced (a file system of another
// machine, say) is polled.
#pragma once

#include <algorithm>
#include <chrono>
#include <utility>

#include "replica/clock.hpp"

namespace replica::replicator {

class Attention {
 public:
  using ms = std::chrono::milliseconds;
  static constexpr ms kLongest{60'000};
  static constexpr ms kResting{300'000};  // while it hibernates
  static constexpr ms kSeldom{4'000}, kTick{2'000};
  static constexpr int kUnannounced = 3;  // changes found by looking, one after another, until events are not trusted

  void begin(Clock::Steady now) { *this = Attention{now}; }
  void heard(Clock::Steady now) {
    heard_ = true;
    since_ = now;
  }
  // A look is about to begin: what is heard from now on is of the next one.
  bool look() { return std::exchange(heard_, false); }
  // What that look found; `announced`: look() said so.
  void found(bool announced, Clock::Steady now) {
    since_ = now;
    unannounced_ = announced ? 0 : std::min(unannounced_ + 1, kUnannounced);
  }
  bool deaf() const { return unannounced_ >= kUnannounced; }
  ms quiet(Clock::Steady now) const { return std::chrono::duration_cast<ms>(now - since_); }
  // Until the next look, as far as no event comes. `interval` is the database's poll.
  ms pause(ms interval, bool watched, Clock::Steady now) const {
    if (!watched || deaf()) return interval;
    return std::clamp(quiet(now) / 2, interval, std::max(interval, kLongest));
  }

  // When a look comes that is `pause` away. Those that are seldom, or of databases at rest, are made together, on
  // ticks: one wake-up of the threads for all databases of two seconds.
  static Clock::Steady together(Clock::Steady now, ms pause, ms interval, bool resting) {
    const Clock::Steady when = now + pause;
    if (!resting && pause < std::max(kSeldom, 2 * interval)) return when;
    return when + kTick - when.time_since_epoch() % kTick;
  }

  Attention() = default;
  explicit Attention(Clock::Steady now) : since_(now) {}

 private:
  Clock::Steady since_{};  // the last change or event, or the start
  bool heard_ = false;
  int unannounced_ = 0;
};

}  // namespace replica::replicator

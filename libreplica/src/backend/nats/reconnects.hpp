// When a server that could not be reached may be tried again. Pure: time is passed in.
#pragma once

#include <optional>

#include "replica/clock.hpp"

namespace replica::backend::nats {

// One thread at a time.
class Reconnects {
 public:
  // `most` attempts in a row with `wait` between them, without bound when negative; then one a kLongWait.
  Reconnects(int most, std::chrono::milliseconds wait) : most_(most), wait_(wait) {}

  static constexpr std::chrono::milliseconds kLongWait{60'000};

  // The answer to who comes before its time: the last failure, with the time that is left.
  std::optional<Error> too_early(Clock::Steady now) const;
  void failed(Error why, Clock::Steady now);
  void succeeded() { last_.reset(); }

 private:
  struct Failed {
    Error why;
    Clock::Steady at;
    int attempts = 0;
  };
  bool has_given_up() const { return most_ >= 0 && last_ && last_->attempts > most_; }
  int most_;
  std::chrono::milliseconds wait_;
  std::optional<Failed> last_;
};

}  // namespace replica::backend::nats

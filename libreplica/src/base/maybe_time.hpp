// A time that may be missing, in the room of the time alone: entries of which there are many thousands have several.
#pragma once

#include <chrono>

namespace replica::base {

// As std::optional has it, of what is used. The earliest of all times stands for none.
class MaybeTime {
 public:
  using Time = std::chrono::steady_clock::time_point;

  MaybeTime() = default;
  MaybeTime(Time at) : at_(at) {}
  explicit operator bool() const noexcept { return at_ != kNone; }
  Time operator*() const noexcept { return at_; }
  Time value_or(Time other) const noexcept { return at_ == kNone ? other : at_; }
  void reset() noexcept { at_ = kNone; }
  friend bool operator==(MaybeTime, MaybeTime) = default;

 private:
  static constexpr Time kNone = Time::min();
  Time at_ = kNone;
};

}  // namespace replica::base

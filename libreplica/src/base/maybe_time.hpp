// A time that may be missing, in the room of the time alone: entries of which there are many thousands have several.
#pragma once

#include <chrono>
#include <optional>

#include "replica/types.hpp"

namespace replica::base {

// As std::optional has it, of what is used. The earliest of all times stands for none.
template <class Point>
class Maybe {
 public:
  using Time = Point;

  Maybe() = default;
  Maybe(Time at) : at_(at) {}
  Maybe(std::optional<Time> at) : at_(at.value_or(kNone)) {}
  operator std::optional<Time>() const { return at_ == kNone ? std::nullopt : std::optional(at_); }
  explicit operator bool() const noexcept { return at_ != kNone; }
  Time operator*() const noexcept { return at_; }
  Time value_or(Time other) const noexcept { return at_ == kNone ? other : at_; }
  void reset() noexcept { at_ = kNone; }
  friend bool operator==(Maybe, Maybe) = default;

 private:
  static constexpr Time kNone = Time::min();
  Time at_ = kNone;
};

using MaybeTime = Maybe<std::chrono::steady_clock::time_point>;
using MaybeTimestamp = Maybe<Timestamp>;

}  // namespace replica::base

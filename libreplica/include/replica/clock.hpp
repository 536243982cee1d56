// Time and patience are passed in, so that tests need neither sleep nor luck.
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>

#include "replica/types.hpp"

namespace replica {

class RequestCounter;

class Clock {
 public:
  using Steady = std::chrono::steady_clock::time_point;
  virtual ~Clock() = default;
  virtual Timestamp now() const = 0;  // wall clock, for file headers and point-in-time restore
  virtual Steady steady() const = 0;  // for intervals; never goes back
};

class SystemClock final : public Clock {
 public:
  Timestamp now() const override;
  Steady steady() const override;
};

// How long a caller is willing to wait. A default Call waits forever and is never cancelled.
struct Call {
  std::stop_token stop{};
  std::optional<Clock::Steady> deadline{};
  // For backends: what this call sends counts there, and how many attempts have failed before it.
  RequestCounter* requests = nullptr;
  int attempt = 0;

  // `cancelled` or `timed_out` when the caller has given up. `what` names the operation.
  Result<void> check(std::string_view what) const;
};

}  // namespace replica

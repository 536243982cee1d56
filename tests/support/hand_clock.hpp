// A wall clock that stands still until a test sets it.
#pragma once

#include "replica/clock.hpp"

namespace support {

class HandClock final : public replica::Clock {
 public:
  replica::Timestamp now() const override { return time; }
  Steady steady() const override { return {}; }
  replica::Timestamp time = replica::parse_rfc3339("2026-01-01T00:00:00Z").value();
};

}  // namespace support

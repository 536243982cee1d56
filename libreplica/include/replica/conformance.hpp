// The exam every backend must pass, as data: used by our tests and offered to users for their own store.
#pragma once

#include <span>
#include <string_view>

#include "replica/backend.hpp"

namespace replica {

struct ConformanceCase {
  std::string_view name;
  // Works only below `prefix` (no trailing '/'; nothing is there before) and removes what it made.
  Result<void> (*run)(Backend& backend, std::string_view prefix, const Call& call);
};

std::span<const ConformanceCase> conformance_cases() noexcept;

}  // namespace replica

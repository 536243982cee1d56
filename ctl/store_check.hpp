// The examination of a user's own store: what `litestreamctl check-backend` finds out, without how it is said.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "clearing.hpp"

namespace litestreamctl {

struct CheckStep {
  std::string name;
  std::optional<replica::Error> error;  // none = as it should be
};

struct OperationTime {
  std::string operation;  // "put"
  int count = 0;
  double median_ms = 0, longest_ms = 0;
};

struct StoreReport {
  std::vector<CheckStep> operations;  // each of the store's operations once, on one object
  replica::Capabilities capabilities;
  std::vector<OperationTime> times;               // of small objects
  double up_per_second = 0, down_per_second = 0;  // bytes of a large one; 0 = not measured
  std::vector<CheckStep> exam;                    // empty when it made no sense
  bool complete = false;                          // nothing was left out
  Cleared cleared;

  std::size_t failures() const;
  bool passed() const { return complete && failures() == 0 && !cleared.error; }
};

struct StoreCheck {
  std::string prefix;  // everything is put below it; nothing is there before
  std::size_t small_objects = 20, small_size = 4096, large_size = std::size_t{8} << 20U;
  const replica::Clock* clock = nullptr;               // nullptr = the system's
  std::function<void(const CheckStep&)> on_step = {};  // each one as it is done
};

// Stops early when `call` does, and when an operation fails without which the rest makes no sense: without permission
// to remove the exam is left out, since what it puts could not be taken away. Then takes away what it has put, also
// when `call` has been stopped.
StoreReport check_store(replica::Backend& backend, const StoreCheck& check, const replica::Call& call);

}  // namespace litestreamctl

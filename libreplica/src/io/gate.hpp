// The seam for faults: every effect on the outside world asks a Gate first.
#pragma once

#include <optional>
#include <string_view>

#include "replica/result.hpp"

namespace replica::io {

// Production code passes nullptr. Tests pass one that fails the nth call, or everything after it (a crash).
// Asked from any thread that does io, so an implementation is safe from many threads at once.
class Gate {
 public:
  virtual ~Gate() = default;
  // An error fails the operation before it has any effect. `operation`: "open", "read", "write", "truncate", "sync",
  // "set_time", "set_owner", "lock", "link", "rename", "remove", "mkdir", "sync_dir", "list", "sql"…
  virtual std::optional<Error> before(std::string_view operation, std::string_view subject) = 0;
};

inline Result<void> ask(Gate* gate, std::string_view operation, std::string_view subject) {
  if (gate == nullptr) return {};
  if (auto refused = gate->before(operation, subject)) return Failure(std::move(*refused));
  return {};
}

}  // namespace replica::io

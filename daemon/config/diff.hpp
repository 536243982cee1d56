// What changes when a running daemon takes over another state of its configuration. Pure.
#pragma once

#include <string>
#include <vector>

#include "config/config.hpp"
#include "config/remembered.hpp"

namespace config {

struct Diff {
  std::vector<std::string> added, removed;  // paths of databases
  std::vector<std::string> modified;        // settings differ: the database is registered anew
  std::vector<std::string> switched;        // only `enabled` or `auto-replicate` differ
  std::vector<std::string> applied;         // global keys that take effect at once: "logging.level"
  std::vector<std::string> needs_restart;   // global keys that do not

  bool empty() const noexcept;
};

// `known`: the databases of `current`, which need not hold them itself.
Diff diff(const Config& current, const Remembered& known, const Config& next);
Diff diff(const Config& current, const Config& next);

// The same but for the lines they stand in, and whether the database starts by itself.
bool same_settings(DatabaseSettings a, DatabaseSettings b);

}  // namespace config

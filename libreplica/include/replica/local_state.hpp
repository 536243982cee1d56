// What a daemon keeps beside a database, for tools that run without one.
#pragma once

#include <string>
#include <vector>

#include "replica/result.hpp"

namespace replica {

struct LocalState {
  std::string folder;              // of the level files
  std::vector<std::string> files;  // paths of the level-0 files, ascending
};

// "<dir>/.<name>-litestream", where it is kept unless the settings say otherwise.
std::string default_meta_path(const std::string& database_path);

// not_found when there is no `meta_path`.
Result<LocalState> local_state(const std::string& meta_path);

// Removes it. The next daemon knows nothing of what was captured: it continues behind its replica with one file that
// holds every page. `busy` while a daemon has the database. The database itself is not touched.
Result<void> reset_local_state(const std::string& database_path, const std::string& meta_path);

}  // namespace replica

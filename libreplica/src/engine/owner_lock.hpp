// One database has one daemon: the lock beside it says which.
#pragma once

#include <string>

#include "io/file.hpp"

namespace replica::engine {

// Held until the file is closed, and released by the system when the process dies. `busy` names the process that has
// it.
Result<io::File> take_owner_lock(const std::string& meta_path, const std::string& database_path, io::Gate* gate);
// For a moment: nobody is told that we have it.
Result<io::File> borrow_owner_lock(const std::string& meta_path, const std::string& database_path, io::Gate* gate);

}  // namespace replica::engine

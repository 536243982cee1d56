// SQLite's own opinion of a database file that nobody else uses.
#pragma once

#include <string>

#include "replica/clock.hpp"
#include "replica/restore.hpp"

namespace replica::restore {

// Makes no file beside `path`, takes no lock, does not replay a WAL. `corrupt` "post-restore integrity check: …" with
// what SQLite found; the Call's error when it ended first.
Result<void> check_integrity(const std::string& path, IntegrityCheck kind, const Call& call);

}  // namespace replica::restore

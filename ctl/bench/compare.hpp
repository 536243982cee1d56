// Whether a restored database is the one that was replicated.
#pragma once

#include <fstream>
#include <string>

#include "replica/clock.hpp"

namespace litestreamctl::bench {

// Byte for byte, both from their beginning to their end: `corrupt` when they differ. `original` stays open, since
// closing a file that SQLite has open drops its locks (https://www.sqlite.org/howtocorrupt.html 2.2).
replica::Result<void> compare(std::ifstream& original, const std::string& restored, const replica::Call& call);

}  // namespace litestreamctl::bench

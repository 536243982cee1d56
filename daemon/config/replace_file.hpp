// Small files, read whole and replaced whole.
#pragma once

#include <string>

#include "replica/result.hpp"

namespace config {

// not_found `config file not found: PATH`; io.
replica::Result<std::string> read_file(const std::string& path);

// The file has the new text, durably, or still the old one: temp name, fsync, rename, fsync of the directory. A link is
// followed; mode and, when we may, owner are kept.
replica::Result<void> replace_file(const std::string& path, const std::string& text);

}  // namespace config

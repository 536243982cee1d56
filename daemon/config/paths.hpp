// Paths and replica addresses as users write them.
#pragma once

#include <string>
#include <string_view>

#include "replica/result.hpp"

namespace config {

// Absolute and without ".", ".." and double slashes. "~" and "~/…" are the home directory, a leading sqlite:// or
// sqlite3:// is dropped. invalid_argument for an empty path or one with a zero byte.
replica::Result<std::string> absolute_path(std::string_view path);

// True for WORD://…
bool is_url(std::string_view text) noexcept;

// The directory a file: address means, absolute: file:///a%20b, file://a (= /a), file:relative. A query is dropped.
// Other schemes: `unsupported` for those the peer knows, invalid_argument `unknown replica type in config: "zz"`.
replica::Result<std::string> parse_file_url(std::string_view url);
// file:///… with everything encoded that needs it.
std::string file_url(std::string_view absolute_path);

// Success for "file" (and ""); the errors of parse_file_url otherwise.
replica::Result<void> check_replica_type(std::string_view type);

}  // namespace config

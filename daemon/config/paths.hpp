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
replica::Result<std::string> parse_file_url(std::string_view url);
// file:///… with everything encoded that needs it.
std::string file_url(std::string_view absolute_path);

}  // namespace config

// Values as people read them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace litestreamctl {

// "1.2 GB", decimal units.
std::string size_text(std::uint64_t bytes);

// "0.042", "0.42", "12.5", "1250".
std::string decimal(double value);

// "0.4 s", "12 s", "3 min", "5 h", "2 d": never more than six columns below 10,000 days.
std::string span_text(double seconds);

// Without control characters: what a database is called must not steer a terminal. Each becomes "?".
std::string printable(std::string_view text);

// How many columns UTF-8 text takes, taking every character for one column wide.
std::size_t columns(std::string_view text);

// At most `width` columns, the beginning of what is longer replaced by "…".
std::string keep_end(const std::string& text, std::size_t width);

}  // namespace litestreamctl

// What is printed: JSON with two spaces of indent, and tables of aligned columns.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <vector>

namespace litestreamctl {

// Members in the order they have; a line end behind the last.
std::string pretty(const boost::json::value& value);

// Columns left-aligned, two spaces between them, no blanks at the ends of lines.
std::string table(const std::vector<std::vector<std::string>>& rows);

// To stdout; false when it could not be written.
bool print(const std::string& text);

}  // namespace litestreamctl

// The query of a URL as names and values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace control {

// "%2Fa+b" → "/a b"; no value when an escape is broken.
std::optional<std::string> form_decode(std::string_view text);

// "a=1&b=%2Fx" → a: "1", b: "/x"; + stands for a blank. No value when an escape is broken.
std::optional<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view query);

}  // namespace control

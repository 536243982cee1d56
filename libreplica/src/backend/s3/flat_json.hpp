// JSON as credentials come in it: one object whose values are texts, numbers, true, false or null.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "replica/result.hpp"

namespace replica::s3 {

using FlatObject = std::map<std::string, std::string, std::less<>>;

// Numbers and words as they are written. `corrupt` for anything else, lists and objects inside among it.
Result<FlatObject> parse_flat_json(std::string_view text);

}  // namespace replica::s3

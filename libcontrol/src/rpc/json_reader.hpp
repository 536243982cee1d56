// JSON text → value with what Boost.JSON's own parser leaves out: keys that occur twice are an error, and the digits of
// numeric ids are kept as they were written.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "control/error.hpp"
#include "control/limits.hpp"

namespace control {

struct JsonDocument {
  boost::json::value root;
  // For the root object, or for each object directly in a root array, in order: the text of its member "id" when that
  // is a number, else empty.
  std::vector<std::string> number_ids;
};

// Errors are ready to be sent: code::kParseError for what is not JSON, code::kInvalidRequest for text beyond the
// limits (reasons "too_large", "too_deep", "too_many_values") and for "duplicate_key".
Result<JsonDocument> read_json(std::string_view text, const Limits& limits);

}  // namespace control

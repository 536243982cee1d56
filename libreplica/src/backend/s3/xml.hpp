// The XML that S3 speaks, as values. Answers are read defensively: whatever is missing or wrong is an error, and the
// HTTP layer has bounded their length.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "replica/backend.hpp"

namespace replica::s3 {

struct ErrorAnswer {
  std::string code, message, region;  // empty when not given
};
// Of an <Error> document; all empty for anything else.
ErrorAnswer parse_error(std::string_view text);

struct ListingPage {
  std::vector<ObjectInfo> objects;  // with the keys as the store has them
  std::string next;                 // continuation token; empty = the last page
};
// `encoded_token`: the token is encoded as the keys are.
Result<ListingPage> parse_listing(std::string_view text, bool encoded_token = false);

Result<std::string> parse_upload_id(std::string_view text);
std::string complete_body(const std::vector<std::string>& etags);

}  // namespace replica::s3

// The XML that the blob service speaks, as values. Answers are read defensively: whatever is missing or wrong is an
// error, and the HTTP layer has bounded their length.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "replica/backend.hpp"

namespace replica::azure {

struct ErrorAnswer {
  std::string code, message;  // empty when not given
};
// Of an <Error> document; all empty for anything else.
ErrorAnswer parse_error(std::string_view text);

struct ListingPage {
  std::vector<ObjectInfo> blobs;  // with the names as the store has them; folders of hierarchical accounts left out
  std::string next;               // marker; empty = the last page
};
Result<ListingPage> parse_listing(std::string_view text);

std::string block_list(const std::vector<std::string>& ids);

}  // namespace replica::azure

// What Google Cloud Storage answers, as values. Read defensively; the HTTP layer has bounded the length.
#pragma once

#include "http/message.hpp"
#include "replica/backend.hpp"

namespace replica::gcs {

inline constexpr const char* kTimestampKey = "litestream-timestamp";  // in the metadata, as the peer has it

// A resource of an object. The time is that of the metadata, else when it was stored.
Result<ObjectInfo> parse_object(std::string_view text);
// The resource to be sent for a new object.
std::string describe_object(std::string_view name, const PutOptions& options);

struct ListingPage {
  std::vector<ObjectInfo> objects;  // with the keys as the store has them
  std::string next;                 // page token; empty = the last page
};
Result<ListingPage> parse_listing(std::string_view text);

// For an answer that is none of 2xx. not_found is said of whatever the request was about: the caller knows whether that
// may be missing.
Error store_error(const http::Response& response, std::string_view what);

}  // namespace replica::gcs

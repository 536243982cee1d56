// The time of the data, as the peer keeps it with a blob.
#pragma once

#include <optional>

#include "http/message.hpp"
#include "replica/types.hpp"

namespace replica::azure {

inline constexpr const char* kTimestampHeader = "x-ms-meta-litestreamtimestamp";

// Names of metadata come back in whatever case the store, or something before it, likes.
bool is_timestamp_name(std::string_view name) noexcept;
std::optional<Timestamp> parse_kept_time(std::string_view text);

// In the metadata, else Last-Modified, else nothing.
std::optional<Timestamp> time_of(const http::Response& response);

}  // namespace replica::azure

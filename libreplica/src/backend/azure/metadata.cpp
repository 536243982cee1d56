#include "backend/azure/metadata.hpp"

#include <algorithm>

#include "http/status.hpp"

namespace replica::azure {

bool is_timestamp_name(std::string_view name) noexcept {
  constexpr std::string_view kName = "litestreamtimestamp";
  return std::equal(name.begin(), name.end(), kName.begin(), kName.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b; });
}

std::optional<Timestamp> parse_kept_time(std::string_view text) {
  auto time = parse_rfc3339(text);
  return time ? std::optional(*time) : std::nullopt;
}

std::optional<Timestamp> time_of(const http::Response& response) {
  if (auto kept = parse_kept_time(response.header(kTimestampHeader))) return kept;
  return http::parse_http_date(response.header("last-modified"));
}

}  // namespace replica::azure

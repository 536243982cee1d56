// What PROPFIND answers (RFC 4918, 207 Multi-Status), as values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "replica/backend.hpp"

namespace replica::webdav {

struct Resource {
  std::string path;  // of its href, decoded, without a slash at the end; "" is the root of the server
  bool is_folder = false;
  std::uint64_t size = 0;
  Timestamp modified_at{};
};

// In the order of the answer. Names of elements are compared with their namespace, whatever prefix the server has
// chosen. `unavailable` for what is no such answer.
Result<std::vector<Resource>> parse_multistatus(std::string_view text);

// Of an href, which may be a whole URL: the path as above.
std::string path_of_href(std::string_view href);

inline constexpr std::string_view kPropfindBody =
    R"(<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:"><D:prop><D:resourcetype/>)"
    R"(<D:getcontentlength/><D:getlastmodified/></D:prop></D:propfind>)";

}  // namespace replica::webdav

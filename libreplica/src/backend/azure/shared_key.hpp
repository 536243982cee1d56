// Shared Key authorisation of the blob service. Pure: no clock, no network.
// learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/message.hpp"

namespace replica::azure {

using Query = std::vector<std::pair<std::string, std::string>>;  // not encoded

struct SigningRequest {
  std::string_view method;
  std::string_view path;  // as it is sent: encoded once
  const Query& query;
  const std::vector<http::Header>& headers;
  std::uint64_t content_length = 0;
};

// "name=value&…", encoded.
std::string encode_query(const Query& query);

std::string string_to_sign(const SigningRequest& request, std::string_view account);
// What the Authorization header says.
std::string authorization(const SigningRequest& request, std::string_view account, Bytes key);

}  // namespace replica::azure

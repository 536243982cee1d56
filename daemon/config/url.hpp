// The parts of a URL, as the replica addresses need them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "replica/result.hpp"

namespace config {

struct Url {
  std::string scheme;                                        // lower case
  std::string user, password;                                // decoded
  std::string host;                                          // host[:port], decoded
  std::string path;                                          // decoded, with its leading slash; or empty
  std::vector<std::pair<std::string, std::string>> query{};  // decoded
};

// invalid_argument for a scheme without "://" and for broken escapes. A "#" is nothing special.
replica::Result<Url> parse_url(std::string_view url);

// %XX decoded; `plus` = a "+" is a space, as in queries.
replica::Result<std::string> decode_url_text(std::string_view text, bool plus = false);
// Everything but letters, digits and what `also` lists becomes %XX.
std::string encode_url_text(std::string_view text, std::string_view also = "-._~");

// Of "http://HOST:PORT/…", with the port.
std::string_view host_of(std::string_view endpoint);
// http or https with a host, and nothing that may not stand in one: no user, no query.
bool is_http_endpoint(std::string_view endpoint);

// "a//b/../c/" → "a/c": no slash at the ends; empty for nothing.
std::string clean_key_path(std::string_view path);

}  // namespace config

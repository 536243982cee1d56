// The parts of a URL, as the replica addresses need them.
#pragma once

#include <cstdint>
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

// "sftp://user:password@host/path?…" → "sftp://user@host/path", for messages.
std::string without_password(std::string_view url);

// HOST, HOST:PORT, [V6] or [V6]:PORT.
struct HostPort {
  std::string host;  // without brackets
  std::optional<std::uint16_t> port{};
};
replica::Result<HostPort> parse_host_port(std::string_view text);
// As it stands in an address: lower case, without the port when that is `standard`.
std::string address_text(const HostPort& place, std::uint16_t standard);

// Of "http://HOST:PORT/…", with the port.
std::string_view host_of(std::string_view endpoint);
// http or https with a host, and nothing that may not stand in one: no user, no query.
bool is_http_endpoint(std::string_view endpoint);

// "a//b/../c/" → "a/c": no slash at the ends; empty for nothing.
std::string clean_key_path(std::string_view path);

}  // namespace config

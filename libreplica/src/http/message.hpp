// A request and its answer, as the HTTP backends see them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "replica/bytes.hpp"
#include "replica/requests.hpp"

namespace replica::http {

struct Header {
  std::string name, value;
};

struct Response {
  int status = 0;
  std::vector<Header> headers;  // names in lower case
  std::string body;             // unless it went into a sink

  bool ok() const noexcept { return status >= 200 && status < 300; }
  // The first of that (lower-case) name; empty when there is none.
  std::string_view header(std::string_view name) const noexcept;
};

struct Request {
  std::string method = "GET";
  std::string url{};  // with everything encoded; its query is never shown in an error
  std::vector<Header> headers{};
  Source* body = nullptr;  // its size() bytes are sent; another length is `corrupt`. At its beginning when handed over
  Sink* out = nullptr;     // gets the body of a 2xx answer; what else comes goes into Response::body
  // Sees status and headers before the first byte goes to `out`; an error ends the transfer.
  std::function<Result<void>(const Response&)> on_head{};
  bool no_proxy = false;                           // straight to the host, whatever the environment says
  std::size_t body_limit = std::size_t{1} << 20U;  // of Response::body: more in a 2xx answer is `corrupt`, else cut
  std::optional<RequestClass> kind{};              // for the count; without it the method says
  bool repeats = false;                            // one before it has failed
};

// What a request counts as: PUT put, GET get, HEAD stat, DELETE remove, the rest other.
RequestClass class_of(const Request& request) noexcept;

// scheme://host/path, without what may be secret: user, password, query.
std::string shown_url(std::string_view url);

// Everything but A-Z a-z 0-9 - . _ ~ becomes %XX; '/' stays when `keep_slash`.
std::string percent_encode(std::string_view text, bool keep_slash = false);
// %XX and nothing else is decoded; what is no escape stays as it is.
std::string percent_decode(std::string_view text);

}  // namespace replica::http

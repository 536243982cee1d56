// HTTP messages as values, for the handlers that the server calls.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/access.hpp"

namespace control {

struct HttpRequest {
  std::string method;  // "GET"
  std::string path;    // "/list", still percent-encoded, without the query
  std::string query;   // "path=/data/app.db", still percent-encoded
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};
  int version = 11;  // 10 or 11
  Transport transport = Transport::unix_socket;
  std::chrono::steady_clock::time_point received{};
  std::stop_token stop{};  // set when the server shuts down
  PrincipalPtr caller{};   // set by the server for what it does not serve to everybody; authorise() asks for it

  // The first header of that name, in any case. The view lives as long as the request.
  std::optional<std::string_view> header(std::string_view name) const;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";  // not sent with an empty body
  std::string body{};
  std::vector<std::pair<std::string, std::string>> headers{};  // beyond type, length and connection
};

// No value = not mine: the server answers 404. Called on worker threads, from several at once. A GET or HEAD must be
// answered promptly; other methods may block like Service calls. A HEAD request is given the same response as GET; the
// server leaves the body out.
using HttpHandler = std::function<std::optional<HttpResponse>(const HttpRequest&)>;

}  // namespace control

// The peer's REST protocol from the client's side: for programs that talk to daemons of both kinds.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "control/error.hpp"

namespace control {

struct RestReply {
  int status = 0;
  std::string body;
};

struct RestRequest {
  std::string_view method;  // "GET", "POST"
  std::string_view path;    // "/list"
  std::string_view body{};  // JSON; not sent with GET
};

// One connection, one request. `timeout` covers both, and the reply. Errors have code::kTransport and the reason
// "timed_out" when the time was over: "dial unix PATH: connect: no such file or directory".
Result<RestReply> rest_request(const std::string& socket_path, const RestRequest& request,
                               std::chrono::milliseconds timeout);

}  // namespace control

// JSON-RPC 2.0 as text ↔ values. Pure; nothing here knows a method.
//
// Stricter than the specification where it is silent: an object with a key twice, at any depth, is no valid request
// (-32600, id null, also for a whole batch), and what is beyond the Limits is answered with -32600. Milder in one
// thing: the member "jsonrpc" may be missing. Members that JSON-RPC does not name are ignored; `"params": null` is no
// params.
#pragma once

#include <boost/json/value.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/error.hpp"
#include "control/limits.hpp"

namespace control::jsonrpc {

struct Request {
  std::string method;
  boost::json::value params{};      // object, array or null
  std::optional<std::string> id{};  // as JSON text, digits untouched; none = notification
};

// What can not be dispatched: the id as JSON text, "null" when there is no usable one.
struct Rejected {
  std::string id = "null";
  Error error;
};

struct Incoming {
  std::vector<tl::expected<Request, Rejected>> calls;  // never empty
  bool batch = false;                                  // the replies form an array
};

// Never fails as a whole: what is wrong comes back as Rejected.
Incoming parse(std::string_view text, const Limits& limits = {});

std::string print(const Request& request);
std::string print_result(std::string_view id, const boost::json::value& result);
std::string print_error(std::string_view id, const Error& error);

struct Response {
  std::string id = "null";
  Result<boost::json::value> outcome;
};

// One reply, not a batch; code::kTransport when it is none.
Result<Response> parse_response(std::string_view text);

}  // namespace control::jsonrpc

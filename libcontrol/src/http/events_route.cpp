#include "http/events_route.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <charconv>

#include "http/http_codec.hpp"
#include "http/query.hpp"

namespace control {
namespace {

namespace json = boost::json;

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

void append_list(json::object& params, std::string_view name, std::string_view items, bool split) {
  json::value& list = params[name];
  if (!list.is_array()) list = json::array();
  do {
    const std::string_view item = items.substr(0, split ? items.find(',') : items.npos);
    items.remove_prefix(std::min(items.size(), item.size() + 1));
    list.as_array().emplace_back(json::string(item));
  } while (!items.empty());
}

int status_of(const Error& error) {
  if (error.code == code::kInvalidParams) return 400;
  if (error.reason == "unauthenticated") return 401;
  if (error.reason == "forbidden") return 403;
  if (error.reason == "events_gone" || error.reason == "run_changed") return 410;
  return error.reason == "rate_limited" ? 429 : 503;
}

}  // namespace

std::variant<jsonrpc::Request, HttpResponse> watch_request(const HttpRequest& request) {
  const auto query = parse_query(request.query);
  if (!query) return watch_refusal(invalid_params("the query is not properly escaped"));
  json::object params;
  for (const auto& [name, value] : *query) {
    if (name == "path") {
      append_list(params, "paths", value, false);
    } else if (name == "kind") {
      append_list(params, "kinds", value, true);
    } else if (name == "run") {
      params["run"] = value;
    } else if (name == "from") {
      const auto from = number(value);
      if (!from) return watch_refusal(invalid_params("from must be a whole number, 0 or more"));
      params["from"] = *from;
    } else {
      return watch_refusal(invalid_params("unknown parameter: " + name));
    }
  }
  // Sent by a reader that lost its connection; more recent than its address.
  if (const auto last = request.header("Last-Event-ID")) {
    const auto seen = number(*last);
    if (!seen) return watch_refusal(invalid_params("Last-Event-ID must be the number of an event"));
    params["from"] = *seen + 1;
  }
  return jsonrpc::Request{.method = "watch", .params = std::move(params), .id = "null"};
}

HttpResponse watch_refusal(const Error& error) {
  HttpResponse response{.content_type = "application/json", .body = jsonrpc::print_error("null", error) + "\n"};
  response.status = status_of(error);
  return response;
}

}  // namespace control

#include "http/rest_json.hpp"

#include <algorithm>
#include <boost/json/kind.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/stream_parser.hpp>
#include <cctype>

#include "http/query.hpp"

namespace control {
namespace {

namespace json = boost::json;

Failure unreadable(std::string details) { return fail(invalid_params(std::move(details))); }

std::string_view kind_of(const json::value& value) {
  if (value.is_bool()) return "a boolean";
  if (value.is_number()) return "a number";
  if (value.is_string()) return "a string";
  return value.is_array() ? "an array" : "an object";
}

Failure wrong_type(std::string_view name, std::string_view wanted, const json::value& value) {
  return unreadable(std::string(name) + " must be " + std::string(wanted) + ", not " + std::string(kind_of(value)));
}

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

}  // namespace

Result<RestBody> RestBody::read(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  if (text.empty()) return unreadable("EOF");
  json::stream_parser parser;
  boost::system::error_code error;
  parser.write_some(text.data(), text.size(), error);
  if (error) return unreadable(error.message());
  if (!parser.done()) {
    parser.finish(error);  // a number may end with the text
    if (error) return unreadable("unexpected EOF");
  }
  json::value value = parser.release();
  if (value.is_null()) return RestBody({});
  if (!value.is_object()) return wrong_type("the body", "an object", value);
  return RestBody(std::move(value.get_object()));
}

const json::value* RestBody::find(std::string_view name) const {
  const json::value* found = object_.if_contains(name);
  for (const auto& member : object_)
    if (found == nullptr && same_name(member.key(), name)) found = &member.value();
  return found == nullptr || found->is_null() ? nullptr : found;
}

Result<std::string> RestBody::text(std::string_view name) const {
  const json::value* value = find(name);
  if (value == nullptr) return std::string();
  if (!value->is_string()) return wrong_type(name, "a string", *value);
  return std::string(value->get_string());
}

Result<std::int64_t> RestBody::integer(std::string_view name) const {
  const json::value* value = find(name);
  if (value == nullptr) return 0;
  if (!value->is_number()) return wrong_type(name, "a whole number", *value);
  if (!value->is_int64()) return unreadable(std::string(name) + " must be a whole number");
  return value->get_int64();
}

Result<bool> RestBody::boolean(std::string_view name) const {
  const json::value* value = find(name);
  if (value == nullptr) return false;
  if (!value->is_bool()) return wrong_type(name, "a boolean", *value);
  return value->get_bool();
}

std::string query_value(std::string_view query, std::string_view name) {
  for (std::size_t at = 0; at < query.size();) {
    const std::string_view item = query.substr(at, query.find('&', at) - at);
    at += item.size() + 1;
    const std::size_t equals = std::min(item.find('='), item.size());
    const auto key = form_decode(item.substr(0, equals));
    if (!key || *key != name) continue;
    const auto value = form_decode(item.substr(std::min(equals + 1, item.size())));
    if (value) return *value;
  }
  return {};
}

HttpResponse json_response(int status, const json::value& body) {
  HttpResponse response{.status = status, .content_type = "application/json"};
  for (const char c : json::serialize(body)) {
    switch (c) {
      case '<':
        response.body += "\\u003c";
        break;
      case '>':
        response.body += "\\u003e";
        break;
      case '&':
        response.body += "\\u0026";
        break;
      default:
        response.body += c;
    }
  }
  response.body += '\n';
  return response;
}

HttpResponse rest_error(int status, std::string_view text, std::optional<std::string_view> details) {
  json::object body{{"error", text}};
  if (details) body["details"] = *details;
  return json_response(status, body);
}

}  // namespace control

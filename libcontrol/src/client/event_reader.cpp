#include "client/event_reader.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>

#include "control/jsonrpc.hpp"

namespace control {
namespace {

namespace json = boost::json;

Failure bad_reply(std::string_view what) {
  return fail({.code = code::kTransport, .message = "bad reply: " + std::string(what), .reason = "bad_reply"});
}

std::string text_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

Failure ended(const json::object& why) {
  return fail({.message = text_of(why, "message"), .reason = text_of(why, "reason"), .hint = text_of(why, "hint")});
}

Result<json::object> parse_object(std::string_view text) {
  boost::system::error_code ec;
  json::value value = json::parse(text, ec);
  if (ec || !value.is_object()) return bad_reply("not an object");
  return std::move(value.get_object());
}

std::string escaped(std::string_view text) {
  constexpr std::string_view kPlain = "-._~/ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (kPlain.find(c) != kPlain.npos) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[byte >> 4U];
    out += kDigits[byte & 15U];
  }
  return out;
}

void append_query(std::string& target, std::string_view name, const json::value& value) {
  if (value.is_array()) {
    for (const json::value& item : value.get_array()) append_query(target, name, item);
    return;
  }
  target += target.find('?') == target.npos ? '?' : '&';
  target.append(name) += '=';
  target += escaped(value.is_string() ? std::string(value.get_string()) : json::serialize(value));
}

}  // namespace

std::string events_target(const json::object& params) {
  std::string target = "/events";
  for (const auto& [key, value] : params) {
    append_query(target, key == "paths" ? "path" : key == "kinds" ? "kind" : std::string_view(key), value);
  }
  return target;
}

Result<EventReader::Item> EventReader::read(std::string_view line) {
  if (!http_) return read_rpc(line);
  if (head_) return read_head(line);
  return status_ == 200 ? read_sse(line) : read_refusal(line);
}

Result<EventReader::Item> EventReader::read_rpc(std::string_view line) {
  if (!subscribed_) {
    Result<jsonrpc::Response> response = jsonrpc::parse_response(line);
    if (!response) return fail(std::move(response.error()));
    if (!response->outcome) return fail(std::move(response->outcome.error()));
    if (!response->outcome->is_object()) return bad_reply("not an object");
    subscribed_ = true;
    return Item{Kind::subscribed, std::move(response->outcome->get_object())};
  }
  Result<json::object> message = parse_object(line);
  if (!message) return fail(std::move(message.error()));
  const json::value* params = message->if_contains("params");
  if (params == nullptr || !params->is_object()) return bad_reply("a notification without params");
  if (text_of(*message, "method") == "end") return ended(params->get_object());
  return Item{Kind::event, params->get_object()};
}

Result<EventReader::Item> EventReader::read_head(std::string_view line) {
  if (status_ == 0) {
    if (!line.starts_with("HTTP/1.") || line.size() < 12) return bad_reply("no HTTP");
    std::from_chars(line.data() + 9, line.data() + 12, status_);
  }
  if (line.empty()) head_ = false;
  return Item{};
}

Result<EventReader::Item> EventReader::read_refusal(std::string_view line) {
  if (Result<jsonrpc::Response> response = jsonrpc::parse_response(line); response && !response->outcome) {
    return fail(std::move(response->outcome.error()));
  }
  return fail({.code = code::kTransport,
               .message = "server answered " + std::to_string(status_) + ": " + std::string(line),
               .reason = "bad_reply"});
}

// https://html.spec.whatwg.org/multipage/server-sent-events.html: what this server sends of it.
Result<EventReader::Item> EventReader::read_sse(std::string_view line) {
  if (line.starts_with("event: ")) event_ = line.substr(7);
  if (line.starts_with("data: ")) data_ += line.substr(6);
  if (!line.empty() || data_.empty()) return Item{};
  Result<json::object> data = parse_object(std::exchange(data_, {}));
  if (!data) return fail(std::move(data.error()));
  const std::string event = std::exchange(event_, {});
  if (event == "end") return ended(*data);
  return Item{event == "subscribed" ? Kind::subscribed : Kind::event, std::move(*data)};
}

}  // namespace control

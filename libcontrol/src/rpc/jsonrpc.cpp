#include "control/jsonrpc.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "rpc/json_reader.hpp"

namespace control::jsonrpc {
namespace {

namespace json = boost::json;

Error invalid_request(std::string hint) {
  return {.code = code::kInvalidRequest,
          .message = "Invalid Request",
          .reason = "invalid_request",
          .hint = std::move(hint)};
}

Incoming single(tl::expected<Request, Rejected> call) {
  Incoming incoming;
  incoming.calls.push_back(std::move(call));
  return incoming;
}

Incoming rejected(Error error) { return single(tl::make_unexpected(Rejected{.error = std::move(error)})); }

// The id as JSON text; no value for an id of a wrong type.
std::optional<std::string> id_text(const json::value& id, const std::string& number) {
  if (!number.empty()) return number;
  if (id.is_string() || id.is_null()) return json::serialize(id);
  return std::nullopt;
}

// What is wrong with the members besides the id; empty = nothing.
std::string complaint(const json::object& message) {
  const json::value* version = message.if_contains("jsonrpc");
  if (version != nullptr && (!version->is_string() || version->get_string() != "2.0")) return "jsonrpc must be \"2.0\"";
  const json::value* method = message.if_contains("method");
  if (method == nullptr || !method->is_string()) return "method must be a string";
  const json::value* params = message.if_contains("params");
  if (params != nullptr && !params->is_structured() && !params->is_null()) return "params must be an object or array";
  return {};
}

tl::expected<Request, Rejected> read_request(json::value& value, const std::string& number_id) {
  json::object* message = value.if_object();
  if (message == nullptr) {
    return tl::make_unexpected(Rejected{.error = invalid_request("a request must be an object")});
  }
  Request request;
  if (const json::value* id = message->if_contains("id")) {
    request.id = id_text(*id, number_id);
    if (!request.id) {
      return tl::make_unexpected(Rejected{.error = invalid_request("id must be a string, a number or null")});
    }
  }
  if (std::string hint = complaint(*message); !hint.empty()) {
    return tl::make_unexpected(Rejected{request.id.value_or("null"), invalid_request(std::move(hint))});
  }
  const json::string& method = (*message)["method"].get_string();
  request.method.assign(method.data(), method.size());
  if (json::value* params = message->if_contains("params")) request.params = std::move(*params);
  return request;
}

Incoming read_batch(JsonDocument document, const Limits& limits) {
  json::array& array = document.root.get_array();
  if (array.empty()) return rejected(invalid_request("a batch must not be empty"));
  if (array.size() > limits.max_batch) {
    return rejected({.code = code::kInvalidRequest,
                     .message = "batch of more than " + std::to_string(limits.max_batch) + " requests",
                     .reason = "batch_too_large"});
  }
  Incoming incoming{.calls = {}, .batch = true};
  auto number_id = document.number_ids.begin();  // one for each element that is an object
  for (json::value& element : array) {
    incoming.calls.push_back(read_request(element, element.is_object() ? *number_id++ : std::string()));
  }
  return incoming;
}

json::object error_object(const Error& error) {
  json::object object{{"code", error.code}, {"message", error.message}};
  if (error.reason.empty() && error.hint.empty() && !error.retryable) return object;
  json::object data;
  if (!error.reason.empty()) data["reason"] = error.reason;
  if (!error.hint.empty()) data["hint"] = error.hint;
  data["retryable"] = error.retryable;
  if (error.retry_after.count() > 0) data["retry_after"] = std::chrono::duration<double>(error.retry_after).count();
  object["data"] = std::move(data);
  return object;
}

std::string reply(std::string_view member, std::string_view content, std::string_view id) {
  std::string text = R"({"jsonrpc":"2.0",")";
  text.append(member).append("\":").append(content).append(",\"id\":").append(id).append("}");
  return text;
}

std::string string_member(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

Failure no_reply(std::string_view what) {
  return fail({.code = code::kTransport, .message = "bad reply: " + std::string(what), .reason = "bad_reply"});
}

Result<Error> read_error(const json::value& value) {
  const json::object* object = value.if_object();
  const json::value* number = object != nullptr ? object->if_contains("code") : nullptr;
  if (number == nullptr || !number->is_int64()) return no_reply("error without a code");
  Error error{.code = static_cast<int>(number->get_int64()), .message = string_member(*object, "message")};
  const json::value* data = object->if_contains("data");
  if (data != nullptr && data->is_object()) {
    error.reason = string_member(data->get_object(), "reason");
    error.hint = string_member(data->get_object(), "hint");
    const json::value* retryable = data->get_object().if_contains("retryable");
    error.retryable = retryable != nullptr && retryable->is_bool() && retryable->get_bool();
  }
  return error;
}

}  // namespace

Incoming parse(std::string_view text, const Limits& limits) {
  Result<JsonDocument> document = read_json(text, limits);
  if (!document) return rejected(std::move(document.error()));
  if (document->root.is_array()) return read_batch(std::move(*document), limits);
  return single(
      read_request(document->root, document->root.is_object() ? document->number_ids.front() : std::string()));
}

std::string print(const Request& request) {
  std::string text = R"({"jsonrpc":"2.0","method":)" + json::serialize(json::string(request.method));
  if (!request.params.is_null()) text += ",\"params\":" + json::serialize(request.params);
  if (request.id) text += ",\"id\":" + *request.id;
  return text + "}";
}

std::string print_result(std::string_view id, const json::value& result) {
  return reply("result", json::serialize(result), id);
}

std::string print_error(std::string_view id, const Error& error) {
  return reply("error", json::serialize(error_object(error)), id);
}

Result<Response> parse_response(std::string_view text) {
  boost::system::error_code ec;
  json::value value = json::parse(text, ec);
  if (ec) return no_reply("not JSON: " + ec.message());
  json::object* object = value.if_object();
  if (object == nullptr) return no_reply("not an object");
  Response response;
  if (const json::value* id = object->if_contains("id")) response.id = json::serialize(*id);
  if (const json::value* error = object->if_contains("error")) {
    Result<Error> read = read_error(*error);
    if (!read) return fail(std::move(read.error()));
    response.outcome = fail(std::move(*read));
  } else if (json::value* result = object->if_contains("result")) {
    response.outcome = std::move(*result);
  } else {
    return no_reply("neither result nor error");
  }
  return response;
}

}  // namespace control::jsonrpc

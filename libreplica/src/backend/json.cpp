#include "backend/json.hpp"

namespace replica::backend {

namespace json = boost::json;

std::optional<json::object> parse_object(std::string_view text) {
  json::error_code error;
  json::value parsed = json::parse(text, error);
  if (error || !parsed.is_object()) return std::nullopt;
  return std::move(parsed.as_object());
}

std::string text_in(const json::object& in, std::string_view name) {
  const json::value* found = in.if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->as_string()) : std::string();
}

std::uint64_t number_in(const json::object& in, std::string_view name) {
  const json::value* found = in.if_contains(name);
  if (found == nullptr || !found->is_number()) return 0;
  json::error_code error;
  const auto number = found->to_number<std::uint64_t>(error);
  return error ? 0 : number;
}

const json::object& object_in(const json::object& in, std::string_view name) {
  static const json::object kNothing;
  const json::value* found = in.if_contains(name);
  return found != nullptr && found->is_object() ? found->as_object() : kNothing;
}

}  // namespace replica::backend

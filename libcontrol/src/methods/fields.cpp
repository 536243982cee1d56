#include "methods/fields.hpp"

#include <algorithm>
#include <cmath>

#include "methods/api_fields.hpp"

namespace control {
namespace {

namespace json = boost::json;

constexpr double kMaxTimeoutSeconds = 86'400;
constexpr double kMaxUnixTime = 253'402'300'799;  // the end of the year 9999
constexpr std::size_t kMaxItems = 100;

Error wrong_type(std::string_view name, std::string_view type) {
  return invalid_params(std::string(name) + " must be a " + std::string(type));
}

}  // namespace

std::string_view type_name(const std::string&) { return "string"; }
std::string_view type_name(const bool&) { return "boolean"; }
std::string_view type_name(const std::chrono::milliseconds&) { return "number"; }
std::string_view type_name(const UnixTime&) { return "number"; }
std::string_view type_name(const std::uint64_t&) { return "integer"; }
std::string_view type_name(const std::int64_t&) { return "integer"; }
std::string_view type_name(const DatabaseState&) { return "string"; }
std::string_view type_name(const double&) { return "number"; }
std::string_view type_name(const std::vector<std::string>&) { return "array"; }
std::string_view type_name(const LastError&) { return "object"; }
std::string_view type_name(const std::vector<ReplicaEntry>&) { return "array"; }
std::string_view type_name(const RequestTotals&) { return "object"; }

// An empty string counts as not given.
std::optional<Error> from_json(std::string_view name, const json::value& value, std::string& member) {
  if (!value.is_string()) return wrong_type(name, "string");
  member.assign(value.get_string().data(), value.get_string().size());
  if (member.empty()) return invalid_params(std::string(name) + " required");
  if (member.find('\0') != std::string::npos) {
    return invalid_params("invalid " + std::string(name) + ": contains a null byte");
  }
  return std::nullopt;
}

std::optional<Error> from_json(std::string_view name, const json::value& value, bool& member) {
  if (!value.is_bool()) return wrong_type(name, "boolean");
  member = value.get_bool();
  return std::nullopt;
}

std::optional<Error> from_json(std::string_view name, const json::value& value, std::chrono::milliseconds& member) {
  if (!value.is_number()) return wrong_type(name, "number of seconds");
  boost::system::error_code ec;
  const double seconds = value.to_number<double>(ec);
  if (ec || !(seconds >= 0) || seconds > kMaxTimeoutSeconds) {
    return invalid_params(std::string(name) + " must be from 0 to 86400 seconds");
  }
  if (seconds > 0) member = std::chrono::milliseconds(std::llround(std::ceil(seconds * 1000)));
  return std::nullopt;
}

std::optional<Error> from_json(std::string_view name, const json::value& value, UnixTime& member) {
  if (!value.is_number()) return wrong_type(name, "number of seconds");
  boost::system::error_code ec;
  const double seconds = value.to_number<double>(ec);
  if (ec || !(seconds > 0) || seconds > kMaxUnixTime) {
    return invalid_params(std::string(name) + " must be a time in seconds since 1970");
  }
  member = UnixTime(std::chrono::milliseconds(std::llround(seconds * 1000)));
  return std::nullopt;
}

std::optional<Error> from_json(std::string_view name, const json::value& value, std::uint64_t& member) {
  boost::system::error_code ec;
  const auto number = value.is_number() ? value.to_number<std::uint64_t>(ec) : std::uint64_t{0};
  if (!value.is_number() || ec) return wrong_type(name, "whole number, 0 or more");
  member = number;
  return std::nullopt;
}

std::optional<Error> from_json(std::string_view name, const json::value& value, std::vector<std::string>& member) {
  if (!value.is_array()) return wrong_type(name, "list of strings");
  if (value.get_array().size() > kMaxItems) {
    return invalid_params(std::string(name) + " must have at most " + std::to_string(kMaxItems) + " items");
  }
  for (const json::value& item : value.get_array()) {
    std::string text;
    if (!item.is_string()) return wrong_type(name, "list of strings");
    if (std::optional<Error> error = from_json(name, item, text)) return error;
    member.push_back(std::move(text));
  }
  return std::nullopt;
}

json::value to_json(const std::string& member) { return json::string(member); }
json::value to_json(bool member) { return member; }
json::value to_json(std::uint64_t member) { return member; }
json::value to_json(std::int64_t member) { return member; }

// Whole numbers without a point or an exponent.
json::value to_json(double member) {
  if (member == std::floor(member) && std::abs(member) < 1e15) return static_cast<std::int64_t>(member);
  return member;
}

json::value to_json(const LastError& member) { return encode(member); }
json::value to_json(const RequestTotals& member) { return encode(member); }

json::value to_json(const std::vector<ReplicaEntry>& member) {
  json::array out;
  for (const ReplicaEntry& one : member) out.emplace_back(encode(one));
  return out;
}

json::value to_json(const std::vector<std::string>& member) { return json::array(member.begin(), member.end()); }

json::value to_json(std::chrono::milliseconds member) {
  if (member.count() % 1000 == 0) return member.count() / 1000;
  return static_cast<double>(member.count()) / 1000;
}

json::value to_json(UnixTime member) { return to_json(member.time_since_epoch()); }

json::value to_json(DatabaseState member) {
  switch (member) {
    case DatabaseState::open:
      return "open";
    case DatabaseState::closed:
      return "closed";
  }
  return nullptr;
}

std::optional<Error> Decoder::finish() {
  if (error_) return error_;
  for (const auto& [key, value] : in_) {
    const std::string_view name(key.data(), key.size());
    if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
    Error error = invalid_params("unknown parameter: " + std::string(name));
    for (std::string_view known : known_) error.hint += (error.hint.empty() ? "known are " : ", ") + std::string(known);
    if (known_.empty()) error.hint = "this method takes none";
    return error;
  }
  return std::nullopt;
}

void Describer::add(const FieldDoc& field, std::string_view type, bool required, std::string default_value) {
  std::string flag(field.name);
  std::replace(flag.begin(), flag.end(), '_', '-');
  out_.push_back({.name = field.name,
                  .flag = std::move(flag),
                  .type = type,
                  .required = required,
                  .default_value = std::move(default_value),
                  .placeholder = field.placeholder,
                  .doc = field.doc});
}

}  // namespace control

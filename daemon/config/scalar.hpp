// A YAML scalar as a C++ value, by the rules of YAML 1.1: yes/on are booleans, 0600 is octal.
#pragma once

#include <optional>
#include <type_traits>

#include "config/duration.hpp"
#include "config/node.hpp"
#include "config/store_settings.hpp"

namespace config {

// Where a value stands, for messages: "dbs[0].replica.path" on line 7.
struct Spot {
  std::string path;
  int line = 0;
};

replica::Failure fail_at(const Spot& spot, std::string_view message, std::string hint = {});

// In double quotes, as JSON and YAML agree on.
std::string quoted_text(std::string_view text);

// A null leaves `out` as it is.
replica::Result<void> assign(const Spot& spot, const Node& node, std::string& out);
replica::Result<void> assign(const Spot& spot, const Node& node, bool& out);
replica::Result<void> assign(const Spot& spot, const Node& node, std::int64_t& out);
replica::Result<void> assign(const Spot& spot, const Node& node, Duration& out);
replica::Result<void> assign(const Spot& spot, const Node& node, Size& out);
// A list of scalars, or one of them.
replica::Result<void> assign(const Spot& spot, const Node& node, std::vector<std::string>& out);

template <class T>
  requires(std::is_integral_v<T> && !std::is_same_v<T, bool> && !std::is_same_v<T, std::int64_t>)
replica::Result<void> assign(const Spot& spot, const Node& node, T& out) {
  std::int64_t wide = static_cast<std::int64_t>(out);
  if (auto r = assign(spot, node, wide); !r) return r;
  if (!std::in_range<T>(wide)) return fail_at(spot, "number out of range: " + node.text);
  out = static_cast<T>(wide);
  return {};
}

template <class T>
replica::Result<void> assign(const Spot& spot, const Node& node, std::optional<T>& out) {
  if (node.kind == Node::Kind::null) return {};
  T value{};
  auto r = assign(spot, node, value);
  if (r) out = std::move(value);
  return r;
}

// The name of a type for --help.
constexpr std::string_view type_name(const std::string*) { return "string"; }
constexpr std::string_view type_name(const bool*) { return "boolean"; }
constexpr std::string_view type_name(const std::vector<std::string>*) { return "list"; }
constexpr std::string_view type_name(const Duration*) { return "duration"; }
constexpr std::string_view type_name(const Size*) { return "size"; }
template <class T>
  requires(std::is_integral_v<T>)
constexpr std::string_view type_name(const T*) {
  return "integer";
}
template <class T>
constexpr std::string_view type_name(const std::optional<T>*) {
  return type_name(static_cast<const T*>(nullptr));
}

}  // namespace config

#include "config/scalar.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace config {

using replica::Errc;
using replica::fail;
using replica::Result;

namespace {

std::string describe(const Node& node) {
  switch (node.kind) {
    case Node::Kind::null:
      return "nothing";
    case Node::Kind::scalar:
      return "\"" + node.text + "\"";
    case Node::Kind::sequence:
      return "a list";
    case Node::Kind::map:
      return "a map";
  }
  return {};
}

replica::Failure wrong_type(const Spot& spot, const Node& node, const std::string& wanted, std::string hint = {}) {
  return fail_at(spot, "expected " + wanted + ", found " + describe(node), std::move(hint));
}

std::optional<bool> boolean(const std::string& text) {
  constexpr std::array<std::string_view, 11> kTrue{"y",    "Y",    "yes", "Yes", "YES", "true",
                                                   "True", "TRUE", "on",  "On",  "ON"};
  constexpr std::array<std::string_view, 11> kFalse{"n",     "N",     "no",  "No",  "NO", "false",
                                                    "False", "FALSE", "off", "Off", "OFF"};
  if (std::find(kTrue.begin(), kTrue.end(), text) != kTrue.end()) return true;
  if (std::find(kFalse.begin(), kFalse.end(), text) != kFalse.end()) return false;
  return std::nullopt;
}

// Takes 0x, 0o, 0b or a plain leading 0 off the front.
int take_base(std::string& digits) {
  if (digits.size() < 2 || digits.front() != '0') return 10;
  const int letter = std::tolower(static_cast<unsigned char>(digits[1]));
  const int base = letter == 'x' ? 16 : letter == 'b' ? 2 : 8;
  digits.erase(0, std::isdigit(static_cast<unsigned char>(digits[1])) != 0 ? 1 : 2);
  if (base == 8 && letter != 'o' && std::isdigit(letter) == 0) digits.clear();
  return base;
}

std::optional<std::int64_t> integer(std::string text) {
  std::erase(text, '_');
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.erase(0, 1);
  const int base = take_base(text);
  if (negative) text.insert(text.begin(), '-');
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size() || text.starts_with("--")) return std::nullopt;
  return value;
}

}  // namespace

replica::Failure fail_at(const Spot& spot, std::string_view message, std::string hint) {
  std::string text = std::to_string(spot.line) + ": ";
  if (!spot.path.empty()) text += spot.path + ": ";
  return fail(Errc::invalid_argument, text + std::string(message), std::move(hint));
}

std::string quoted_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

Result<void> assign(const Spot& spot, const Node& node, std::string& out) {
  if (node.kind == Node::Kind::null) return {};
  if (node.kind != Node::Kind::scalar) return wrong_type(spot, node, "a text");
  out = node.text;
  return {};
}

Result<void> assign(const Spot& spot, const Node& node, bool& out) {
  if (node.kind == Node::Kind::null) return {};
  const auto value = node.kind == Node::Kind::scalar && node.plain ? boolean(node.text) : std::nullopt;
  if (!value) return wrong_type(spot, node, "true or false");
  out = *value;
  return {};
}

Result<void> assign(const Spot& spot, const Node& node, std::int64_t& out) {
  if (node.kind == Node::Kind::null) return {};
  const auto value = node.kind == Node::Kind::scalar && node.plain ? integer(node.text) : std::nullopt;
  if (!value) return wrong_type(spot, node, "an integer", node.plain ? "" : "write the number without quotes");
  out = *value;
  return {};
}

Result<void> assign(const Spot& spot, const Node& node, Size& out) {
  if (node.kind == Node::Kind::null) return {};
  if (node.kind != Node::Kind::scalar) return wrong_type(spot, node, "a size");
  auto bytes = parse_size(node.text);
  if (!bytes) return fail_at(spot, bytes.error().message, bytes.error().hint);
  out.bytes = *bytes;
  return {};
}

Result<void> assign(const Spot& spot, const Node& node, Duration& out) {
  if (node.kind == Node::Kind::null) return {};
  if (node.kind != Node::Kind::scalar) return wrong_type(spot, node, "a duration");
  const auto value = parse_duration(node.text);
  if (!value) return fail_at(spot, value.error().message, value.error().hint);
  out = *value;
  return {};
}

Result<void> assign(const Spot& spot, const Node& node, std::vector<std::string>& out) {
  if (node.kind == Node::Kind::null) return {};
  out.clear();
  if (node.kind == Node::Kind::scalar) return assign(spot, node, out.emplace_back());
  if (node.kind != Node::Kind::sequence) return wrong_type(spot, node, "a list");
  for (const Node& item : node.items) {
    const Spot at{spot.path + "[" + std::to_string(out.size()) + "]", item.line};
    if (item.kind != Node::Kind::scalar) return wrong_type(at, item, "a text");
    if (auto r = assign(at, item, out.emplace_back()); !r) return r;
  }
  return {};
}

}  // namespace config

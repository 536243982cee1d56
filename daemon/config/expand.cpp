#include "config/expand.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <iterator>

namespace config {

namespace {

bool is_name_char(char c) { return c == '_' || std::isalnum(static_cast<unsigned char>(c)) != 0; }

bool is_single(char c) { return std::string_view("*#$@!?-0123456789").find(c) != std::string_view::npos; }

// What stands after a dollar: the variable's name and how many characters of the text that was.
struct Reference {
  std::string_view name;
  std::size_t length = 0;
  bool literal = false;  // no variable: the dollar stays
};

Reference braced(std::string_view rest) {
  if (rest.size() > 2 && is_single(rest[1]) && rest[2] == '}') return {rest.substr(1, 1), 3};
  const std::size_t end = rest.find('}');
  if (end == std::string_view::npos) return {{}, 1};
  return {rest.substr(1, end - 1), end + 1};
}

Reference parse_reference(std::string_view rest) {
  if (rest.empty()) return {{}, 0, true};
  if (rest.front() == '{') return braced(rest);
  if (is_single(rest.front())) return {rest.substr(0, 1), 1};
  std::size_t n = 0;
  while (n < rest.size() && is_name_char(rest[n])) ++n;
  return {rest.substr(0, n), n, n == 0};
}

}  // namespace

std::optional<std::string> process_environment(std::string_view name) {
  if (name == "PID") return std::to_string(::getpid());
  const char* value = std::getenv(std::string(name).c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

Expansion trace_environment(std::string_view raw, const Environment& environment) {
  Expansion out;
  out.text.reserve(raw.size());
  std::string_view rest = raw;
  const auto begin_part = [&](bool substituted) {
    out.parts.push_back({.at = out.text.size(), .origin = raw.size() - rest.size(), .substituted = substituted});
  };
  while (!rest.empty()) {
    begin_part(false);
    const std::size_t dollar = rest.find('$');
    out.text += rest.substr(0, dollar);
    if (dollar == std::string_view::npos) break;
    rest.remove_prefix(dollar);
    begin_part(true);
    const Reference reference = parse_reference(rest.substr(1));
    if (reference.literal) {
      out.text += '$';
    } else if (!reference.name.empty()) {
      out.text += environment(reference.name).value_or("");
    }
    rest.remove_prefix(1 + reference.length);
  }
  return out;
}

std::string expand_environment(std::string_view text, const Environment& environment) {
  return trace_environment(text, environment).text;
}

std::size_t Expansion::origin(std::size_t at) const noexcept {
  const auto after = std::upper_bound(parts.begin(), parts.end(), at,
                                      [](std::size_t offset, const Part& part) { return offset < part.at; });
  if (after == parts.begin()) return at;
  const Part& part = *std::prev(after);
  return part.substituted ? part.origin : part.origin + (at - part.at);
}

}  // namespace config

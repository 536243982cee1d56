#include "human.hpp"

#include <array>
#include <cstdio>

namespace litestreamctl {

namespace {

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

}  // namespace

std::string size_text(std::uint64_t bytes) {
  constexpr std::array<const char*, 5> kUnits{"B", "kB", "MB", "GB", "TB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1000 && unit + 1 < kUnits.size(); ++unit) value /= 1000;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), unit == 0 ? "%.0f %s" : "%.1f %s", value, kUnits.at(unit));
  return text.data();
}

std::string decimal(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(),
                value < 0.1    ? "%.3f"
                : value < 10   ? "%.2f"
                : value < 1000 ? "%.1f"
                               : "%.0f",
                value);
  return text.data();
}

std::string span_text(double seconds) {
  struct Unit {
    double below;  // seconds
    double of;
    const char* format;
  };
  constexpr std::array<Unit, 4> kUnits{{{.below = 9.95, .of = 1, .format = "%.1f s"},
                                        {.below = 120, .of = 1, .format = "%.0f s"},
                                        {.below = 7'200, .of = 60, .format = "%.0f min"},
                                        {.below = 172'800, .of = 3'600, .format = "%.0f h"}}};
  if (seconds < 0.05) return "0 s";
  std::array<char, 32> text{};
  for (const Unit& unit : kUnits) {
    if (seconds >= unit.below) continue;
    std::snprintf(text.data(), text.size(), unit.format, seconds / unit.of);
    return text.data();
  }
  std::snprintf(text.data(), text.size(), "%.0f d", seconds / 86'400);
  return text.data();
}

std::string printable(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  return out;
}

std::size_t columns(std::string_view text) {
  std::size_t n = 0;
  for (const char c : text) n += begins_character(c) ? 1 : 0;
  return n;
}

std::string keep_end(const std::string& text, std::size_t width) {
  std::size_t excess = columns(text);
  if (excess <= width) return text;
  if (width == 0) return {};
  excess -= width - 1;
  std::size_t at = 0;
  while (excess > 0 && ++at < text.size()) excess -= begins_character(text[at]) ? 1 : 0;
  return "…" + text.substr(at);
}

}  // namespace litestreamctl

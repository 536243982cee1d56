#include "output.hpp"

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <iostream>

#include "human.hpp"

namespace litestreamctl {

namespace json = boost::json;

namespace {

void append(std::string& out, const json::value& value, std::size_t depth);

// `open` item, item … `close`, each on its line.
template <class Items, class Print>
void append_block(std::string& out, char open, char close, const Items& items, std::size_t depth, const Print& print) {
  out += open;
  const char* before = "\n";
  for (const auto& item : items) {
    out += before + std::string((depth + 1) * 2, ' ');
    print(item);
    before = ",\n";
  }
  if (!items.empty()) out += "\n" + std::string(depth * 2, ' ');
  out += close;
}

void append(std::string& out, const json::value& value, std::size_t depth) {
  if (value.is_object()) {
    append_block(out, '{', '}', value.get_object(), depth, [&](const json::key_value_pair& member) {
      out += json::serialize(json::value(member.key())) + ": ";
      append(out, member.value(), depth + 1);
    });
  } else if (value.is_array()) {
    append_block(out, '[', ']', value.get_array(), depth,
                 [&](const json::value& item) { append(out, item, depth + 1); });
  } else if (value.is_double()) {  // 0.25, which the library writes as 2.5E-1
    std::array<char, 32> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value.get_double()).ptr;
    out.append(text.data(), end);
  } else {
    out += json::serialize(value);
  }
}

}  // namespace

std::string pretty(const json::value& value) {
  std::string out;
  append(out, value, 0);
  return out + "\n";
}

std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns(row[i]));
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(widths[i] - columns(row[i]) + 2, ' ');
    }
    out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return out;
}

bool print(const std::string& text) {
  std::cout << text << std::flush;
  return static_cast<bool>(std::cout);
}

}  // namespace litestreamctl

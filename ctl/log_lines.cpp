#include "log_lines.hpp"

#include <algorithm>
#include <array>

namespace litestreamctl {
namespace {

constexpr std::array<std::string_view, 5> kLevels{"TRACE", "DEBUG", "INFO", "WARN", "ERROR"};

bool is_plain(std::string_view value) {
  return !value.empty() && std::none_of(value.begin(), value.end(), [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f;
  });
}

std::string quoted(std::string_view value) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text = "\"";
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      text += {'\\', c};
    } else if (c == '\n') {
      text += "\\n";
    } else if (byte < ' ' || byte == 0x7f) {
      text += {'\\', 'x', kHex[byte >> 4U], kHex[byte & 15U]};
    } else {
      text += c;
    }
  }
  return text + "\"";
}

}  // namespace

std::string log_line(replica::Timestamp time, replica::LogLevel level, std::string_view message,
                     std::span<const replica::LogField> fields) {
  std::string line = "time=" + replica::to_rfc3339(time) + " level=";
  line += kLevels.at(static_cast<std::size_t>(level));
  line += " msg=" + (is_plain(message) ? std::string(message) : quoted(message));
  for (const auto& [key, value] : fields)
    line += " " + std::string(key) + "=" + (is_plain(value) ? value : quoted(value));
  return line + "\n";
}

void StreamLog::write(replica::LogLevel level, std::string_view message, std::span<const replica::LogField> fields) {
  *out_ << log_line(replica::SystemClock().now(), level, message, fields) << std::flush;
}

}  // namespace litestreamctl

#include "log_sink.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>

namespace litestreamd {

using replica::LogField;
using replica::LogLevel;

namespace {

struct LevelNames {
  std::string_view word, text, pretty, colour;
};

const LevelNames& names(LogLevel level) {
  static constexpr std::array<LevelNames, 5> kNames{{{"trace", "TRACE", "TRC", "\x1b[90m"},
                                                     {"debug", "DEBUG", "DBG", "\x1b[36m"},
                                                     {"info", "INFO", "INF", "\x1b[32m"},
                                                     {"warn", "WARN", "WRN", "\x1b[33m"},
                                                     {"error", "ERROR", "ERR", "\x1b[31m"}}};
  return kNames[static_cast<std::size_t>(level)];
}

// The length of the well-formed UTF-8 sequence at the front, 0 when there is none.
std::size_t utf8_length(std::string_view s) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const unsigned char lead = at(0);
  if (lead < 0x80) return 1;
  const std::size_t n = lead >= 0xc2 && lead <= 0xdf   ? 2
                        : (lead & 0xf0U) == 0xe0       ? 3
                        : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                       : 0;
  if (n == 0 || s.size() < n) return 0;
  for (std::size_t i = 1; i < n; ++i)
    if ((at(i) & 0xc0U) != 0x80) return 0;
  // Overlong forms, surrogates and what is beyond Unicode.
  if ((lead == 0xe0 && at(1) < 0xa0) || (lead == 0xed && at(1) > 0x9f) || (lead == 0xf0 && at(1) < 0x90) ||
      (lead == 0xf4 && at(1) > 0x8f))
    return 0;
  return n;
}

std::string hex_byte(std::string_view prefix, unsigned char c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  return std::string(prefix) + kHex[c >> 4U] + kHex[c & 15U];
}

// In double quotes. What is no UTF-8 is \xNN in text; JSON has no such escape and gets U+FFFD.
std::string quote(std::string_view text, bool json) {
  std::string out = "\"";
  while (!text.empty()) {
    const std::size_t n = utf8_length(text);
    const char c = text.front();
    const auto byte = static_cast<unsigned char>(c);
    if (n == 0) {
      out += json ? "\\ufffd" : hex_byte("\\x", byte);
    } else if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += hex_byte(json ? "\\u00" : "\\x", byte);
    } else {
      out += text.substr(0, n);
    }
    text.remove_prefix(std::max<std::size_t>(n, 1));
  }
  return out + '"';
}

// Needs no quotes, by the rule of Go's slog: nothing that could end the word, and everything printable.
bool is_plain(std::string_view text) {
  if (text.empty()) return false;
  while (!text.empty()) {
    const std::size_t n = utf8_length(text);
    const auto byte = static_cast<unsigned char>(text.front());
    if (n == 0 || byte <= ' ' || byte == 0x7f || byte == '"' || byte == '=') return false;
    if (n == 2 && byte == 0xc2 && static_cast<unsigned char>(text[1]) <= 0xa0) return false;  // C1 controls, hard space
    text.remove_prefix(n);
  }
  return true;
}

std::string bare_or_quoted(std::string_view text) { return is_plain(text) ? std::string(text) : quote(text, false); }

// Always with three digits of fraction, so that lines stay aligned.
std::string time_text(replica::Timestamp time) {
  std::string text = replica::to_rfc3339(time);
  if (text.find('.') == std::string::npos) text.insert(text.size() - 1, ".000");
  return text;
}

std::string text_line(replica::Timestamp time, LogLevel level, std::string_view message,
                      std::span<const LogField> fields) {
  std::string line =
      "time=" + time_text(time) + " level=" + std::string(names(level).text) + " msg=" + bare_or_quoted(message);
  for (const LogField& field : fields) line += " " + bare_or_quoted(field.key) + "=" + bare_or_quoted(field.value);
  return line;
}

std::string json_line(replica::Timestamp time, LogLevel level, std::string_view message,
                      std::span<const LogField> fields) {
  std::string line = "{\"time\":\"" + time_text(time) + "\",\"level\":\"" + std::string(names(level).text) +
                     "\",\"msg\":" + quote(message, true);
  for (const LogField& field : fields) {
    // The three names above belong to the line; a field of that name must not make the object ambiguous.
    const bool taken = field.key == "time" || field.key == "level" || field.key == "msg";
    line += "," + quote(taken ? std::string(field.key) + "_" : std::string(field.key), true) + ":" +
            quote(field.value, true);
  }
  return line + "}";
}

std::string pretty_line(bool colour, replica::Timestamp time, LogLevel level, std::string_view message,
                        std::span<const LogField> fields) {
  const std::string word(names(level).pretty);
  std::string line = time_text(time).substr(11, 8) + " ";
  line += colour ? std::string(names(level).colour) + word + "\x1b[0m" : word;
  const std::string body = quote(message, false);  // a line stays one line
  line += " " + body.substr(1, body.size() - 2);
  for (const LogField& field : fields) line += " " + bare_or_quoted(field.key) + "=" + bare_or_quoted(field.value);
  return line;
}

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // nowhere left to complain
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace

LogLevel parse_level(std::string_view word) {
  std::string lower(word);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (lower == "warning") return LogLevel::warn;
  for (const LogLevel level : {LogLevel::trace, LogLevel::debug, LogLevel::info, LogLevel::warn, LogLevel::error})
    if (names(level).word == lower) return level;
  return LogLevel::info;
}

std::string_view level_name(LogLevel level) { return names(level).word; }

std::string format_line(LogFormat format, bool colour, replica::Timestamp time, LogLevel level,
                        std::string_view message, std::span<const LogField> fields) {
  switch (format) {
    case LogFormat::text:
      return text_line(time, level, message, fields);
    case LogFormat::json:
      return json_line(time, level, message, fields);
    case LogFormat::pretty:
      return pretty_line(colour, time, level, message, fields);
  }
  return {};
}

LogSink::LogSink(LogFormat format, LogLevel level, int fd)
    : format_(format), level_(level), fd_(fd), colour_(::isatty(fd) == 1) {}

void LogSink::write(LogLevel level, std::string_view message, std::span<const LogField> fields) {
  const std::string line = format_line(format_, colour_, clock_.now(), level, message, fields) + "\n";
  const std::lock_guard lock(mutex_);
  write_all(fd_, line);
}

LogLevel effective_level(const config::LoggingSettings& settings, const std::string& level,
                         const config::Environment& environment) {
  std::string word = level;
  if (word.empty()) word = environment("LOG_LEVEL").value_or("");
  if (word.empty()) word = settings.level;
  return parse_level(word);
}

std::unique_ptr<LogSink> make_log_sink(const config::LoggingSettings& settings, const std::string& level,
                                       const config::Environment& environment) {
  const LogFormat format = settings.type == "json"     ? LogFormat::json
                           : settings.type == "pretty" ? LogFormat::pretty
                                                       : LogFormat::text;
  return std::make_unique<LogSink>(format, effective_level(settings, level, environment),
                                   settings.to_stderr ? STDERR_FILENO : STDOUT_FILENO);
}

}  // namespace litestreamd

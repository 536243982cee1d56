// Structured log lines. Values never hold secrets; libraries log events, never errors they return.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace replica {

enum class LogLevel { trace, debug, info, warn, error };

struct LogField {
  std::string_view key;
  std::string value;
};

// Implementations are called from any thread at once.
class Logger {
 public:
  virtual ~Logger() = default;
  virtual bool enabled(LogLevel level) const noexcept = 0;
  virtual void write(LogLevel level, std::string_view message, std::span<const LogField> fields) = 0;

  void log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {}) {
    if (enabled(level)) write(level, message, {fields.begin(), fields.size()});
  }
};

// Swallows everything; what the libraries use when given nothing.
Logger& null_logger() noexcept;

}  // namespace replica

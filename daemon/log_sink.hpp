// Log lines as text (key=value), JSON or for people. One write per line; safe from any thread.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "config/config.hpp"
#include "replica/clock.hpp"
#include "replica/log.hpp"

namespace litestreamd {

enum class LogFormat { text, json, pretty };

// Unknown words mean info.
replica::LogLevel parse_level(std::string_view word);
// As parse_level understands it.
std::string_view level_name(replica::LogLevel level);

// One line without its end. `colour` concerns pretty only.
std::string format_line(LogFormat format, bool colour, replica::Timestamp time, replica::LogLevel level,
                        std::string_view message, std::span<const replica::LogField> fields);

class LogSink final : public replica::Logger {
 public:
  LogSink(LogFormat format, replica::LogLevel level, int fd);
  bool enabled(replica::LogLevel level) const noexcept override { return level >= level_; }
  replica::LogLevel level() const noexcept { return level_; }
  void set_level(replica::LogLevel level) noexcept { level_ = level; }
  void write(replica::LogLevel level, std::string_view message, std::span<const replica::LogField> fields) override;

 private:
  LogFormat format_;
  std::atomic<replica::LogLevel> level_;
  int fd_;
  bool colour_;
  replica::SystemClock clock_;
  std::mutex mutex_;
};

// `level`, when not empty, wins over the environment's LOG_LEVEL, which wins over the file.
replica::LogLevel effective_level(const config::LoggingSettings& settings, const std::string& level,
                                  const config::Environment& environment);
std::unique_ptr<LogSink> make_log_sink(const config::LoggingSettings& settings, const std::string& level,
                                       const config::Environment& environment);

}  // namespace litestreamd

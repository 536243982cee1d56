// Log lines of a command that runs on, as the peer writes them: time=… level=INFO msg="…" key=value.
#pragma once

#include <ostream>
#include <string>

#include "replica/clock.hpp"
#include "replica/log.hpp"

namespace litestreamctl {

// With its line end. A value with a blank, a quote, an equals sign or control characters is quoted.
std::string log_line(replica::Timestamp time, replica::LogLevel level, std::string_view message,
                     std::span<const replica::LogField> fields);

// From `info` on, each line flushed. One thread.
class StreamLog final : public replica::Logger {
 public:
  explicit StreamLog(std::ostream& out) : out_(&out) {}
  bool enabled(replica::LogLevel level) const noexcept override { return level >= replica::LogLevel::info; }
  void write(replica::LogLevel level, std::string_view message, std::span<const replica::LogField> fields) override;

 private:
  std::ostream* out_;
};

}  // namespace litestreamctl

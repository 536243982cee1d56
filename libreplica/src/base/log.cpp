#include "replica/log.hpp"

namespace replica {
namespace {

class NullLogger final : public Logger {
 public:
  bool enabled(LogLevel) const noexcept override { return false; }
  void write(LogLevel, std::string_view, std::span<const LogField>) override {}
};

}  // namespace

Logger& null_logger() noexcept {
  static NullLogger logger;  // stateless
  return logger;
}

}  // namespace replica

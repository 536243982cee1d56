#include "replica/clock.hpp"

namespace replica {

Timestamp SystemClock::now() const {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

Clock::Steady SystemClock::steady() const { return std::chrono::steady_clock::now(); }

Result<void> Call::check(std::string_view what) const {
  if (stop.stop_requested()) return fail(Errc::cancelled, std::string(what) + " was cancelled");
  if (deadline && std::chrono::steady_clock::now() >= *deadline) {
    return fail(Errc::timed_out, "timeout waiting for " + std::string(what));
  }
  return {};
}

}  // namespace replica

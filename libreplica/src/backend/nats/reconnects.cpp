#include "backend/nats/reconnects.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace replica::backend::nats {
namespace {

// For who tries again at once; beyond it he holds up others for nothing.
constexpr std::chrono::seconds kWorthWaiting{5};

}  // namespace

std::optional<Error> Reconnects::too_early(Clock::Steady now) const {
  if (!last_) return std::nullopt;
  const auto until = last_->at + (has_given_up() ? std::max(wait_, kLongWait) : wait_);
  if (now >= until) return std::nullopt;
  Error error = last_->why;
  const auto left = std::chrono::ceil<std::chrono::seconds>(until - now);
  error.message += base::concat(" (tried again in ", left.count(), " s)");
  if (left <= kWorthWaiting) error.retry_after = left;
  if (has_given_up() && error.hint.empty())
    error.hint = base::concat("tried ", last_->attempts, " times, now once a minute; see max-reconnects");
  return error;
}

void Reconnects::failed(Error why, Clock::Steady now) {
  const int before = last_ ? last_->attempts : 0;
  last_ = Failed{.why = std::move(why), .at = now, .attempts = std::min(before, 1'000'000) + 1};
}

}  // namespace replica::backend::nats

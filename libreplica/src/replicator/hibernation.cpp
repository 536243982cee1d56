// When a quiet database is looked at, and let go of.
#include <algorithm>

#include "replicator/scheduler.hpp"
#include "replicator/spread.hpp"

namespace replica::replicator {
namespace {

constexpr std::chrono::seconds kRestToTell{10};  // a wave of them takes seconds

// Longer or shorter by up to an eighth, by each database by another part: those that fell asleep together do not wake
// together.
std::chrono::milliseconds spread(std::chrono::milliseconds pause, const std::string& path) {
  return pause * 7 / 8 + part_of(pause, path) / 4;
}

}  // namespace

std::chrono::milliseconds Scheduler::next_look(Entry& entry) const {
  const engine::Settings& config = entry.database.config();
  const bool resting = entry.database.resting();
  const std::lock_guard guard(entry.lock);
  if (entry.polled) return spread(std::max(config->monitor_interval, polling_pause()), config.path);
  const auto pause = entry.attention.pause(config->monitor_interval, entry.watched && !entry.muted, now());
  if (resting) return spread(std::max(pause, Attention::kResting), config.path);
  const auto left = config->hibernate_after - entry.attention.quiet(now());
  return left.count() > 0 ? std::min(pause, left) : pause;
}

// Where events tell of changes, for nobody looks in between; and where there are more directories than watches: two
// calls of stat find what a database at rest has got.
bool Scheduler::may_hibernate(Entry& entry) const {
  const engine::Settings& config = entry.database.config();
  if (config->hibernate_after.count() <= 0 || entry.database.resting()) return false;
  for (std::size_t n = 0; n < entry.database.destinations(); ++n) {
    const auto next = entry.database.destination(n).next_maintenance();
    if (next && *next - environment_.clock->now() < config->hibernate_after) return false;
  }
  const std::lock_guard guard(entry.lock);
  const bool told = entry.polled || (entry.watched && !entry.muted && !entry.attention.deaf());
  return entry.phase == Phase::open && told && entry.syncs == 0 &&
         entry.attention.quiet(now()) >= config->hibernate_after;
}

Result<void> Scheduler::wake(const std::shared_ptr<Entry>& entry, const Call& call) {
  auto woken = entry->database.wake(call);
  if (!woken) return pass(woken);
  if (*woken) look_soon(entry);
  return {};
}

// The next look was put off while it hibernated.
void Scheduler::look_soon(const std::shared_ptr<Entry>& entry) {
  const auto interval = entry->database.config()->monitor_interval;
  if (interval.count() > 0) request(entry, Lane::capture, now() + interval);
}

void Scheduler::hibernate_if_quiet(Entry& entry, const Call& call) {
  if (!may_hibernate(entry)) return;
  auto rested = entry.database.rest(call);
  if (rested) {
    if (*rested) tell_rest();
  } else {
    // The next capture opens it again if need be, and says what is wrong.
    environment_.logger->log(LogLevel::debug, "not hibernated",
                             {{"path", entry.database.config().path}, {"error", rested.error().message}});
  }
}

// Databases that fall asleep together are told of together.
void Scheduler::tell_rest() {
  if (!after_rest_ || rest_to_tell_.exchange(true)) return;
  timer_.at(now() + kRestToTell, [this](Steady) {
    maintain_pool_.submit({.run = [this] {
      rest_to_tell_ = false;
      for (WorkerPool* pool : {&capture_pool_, &ship_pool_, &maintain_pool_}) pool->let_idle_go();
      after_rest_();
    }});
  });
}

}  // namespace replica::replicator

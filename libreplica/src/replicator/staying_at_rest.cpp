// Databases that rested when the daemon was ended, and what is owed to them once they are left at rest.
#include <algorithm>

#include "replicator/scheduler.hpp"
#include "replicator/spread.hpp"

namespace replica::replicator {
namespace {

using std::chrono::milliseconds;

// How old the last sign may be that a replica has everything, for as long as that is only believed.
constexpr milliseconds kConfirmAfter = std::chrono::hours(24);
constexpr milliseconds kLongestSpread = std::chrono::minutes(10);

}  // namespace

// The directory is watched by now: what is written after the files were looked at is heard of, or found by the next
// look where databases are polled for want of watches.
Result<bool> Scheduler::stay_at_rest(const std::shared_ptr<Entry>& entry, const Call& call) {
  {
    const std::lock_guard guard(entry->lock);
    if ((!entry->watched && !entry->polled) || entry->muted) return false;
  }
  auto rests = entry->database.stay_at_rest(call);
  if (!rests || !*rests) return rests;
  const Timestamp wall = environment_.clock->now();
  for (std::size_t n = 0; n < entry->destinations.size(); ++n) {
    const auto due = entry->database.destination(n).believed_maintenance();
    if (!due) continue;
    const milliseconds left = *due - wall;
    const milliseconds spread =
        part_of(std::min(std::max(left, milliseconds(0)), kLongestSpread), entry->database.config().path);
    request(entry, {Lane::maintain, n}, left.count() > 0 ? now() + left + spread : late_.next(now()));
  }
  return true;
}

void Scheduler::confirm_in_time(const std::shared_ptr<Entry>& entry) {
  for (std::size_t n = 0; n < entry->destinations.size(); ++n) {
    const engine::Destination& destination = entry->database.destination(n);
    if (!destination.believed()) continue;
    const Timestamp wall = environment_.clock->now();
    if (std::min(destination.seen(), wall) + kConfirmAfter > wall) continue;
    {
      const std::lock_guard guard(entry->lock);
      if (entry->destinations[n].ship.due || entry->destinations[n].ship.running) continue;
    }
    request(entry, {Lane::ship, n}, late_.next(now()));
  }
}

}  // namespace replica::replicator

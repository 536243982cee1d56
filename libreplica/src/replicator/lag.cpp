// Who is behind for too long, told when it begins and when it is over.
#include <algorithm>

#include "base/text.hpp"
#include "replicator/scheduler.hpp"

namespace replica::replicator {

void Scheduler::note_progress(const std::shared_ptr<Entry>& entry) {
  watch_lag(entry);
  entry->changed.notify_all();
}

// Called when the backlog may have begun, grown old or gone; an idle database costs nothing.
void Scheduler::watch_lag(const std::shared_ptr<Entry>& entry) {
  for (std::size_t n = 0; n < entry->destinations.size(); ++n) watch_lag(entry, n);
}

void Scheduler::watch_lag(const std::shared_ptr<Entry>& entry, std::size_t number) {
  if (lag_limit_.count() <= 0) return;
  const engine::Destination& destination = entry->database.destination(number);
  const auto since = entry->database.behind_since(number);
  const auto age = since ? environment_.clock->now() - *since : std::chrono::milliseconds(0);
  const bool late = since && age >= lag_limit_;
  bool arm = false;
  {
    const std::lock_guard guard(entry->lock);
    if (entry->phase != Phase::open) return;
    DestinationLanes& lanes = entry->destinations[number];
    if (late != lanes.lagging) {
      lanes.lagging = late;
      publish({.kind = late ? EventKind::lagging : EventKind::caught_up,
               .path = entry->database.config().path,
               .txid = destination.replicated(),
               .detail = late ? base::concat("oldest change not on the replica is of ", to_rfc3339(*since)) : "",
               .replica = destination.label()});
    }
    arm = since && !late && !std::exchange(lanes.lag_check, true);
  }
  if (!arm) return;
  const auto left = std::min<std::chrono::milliseconds>(lag_limit_ - age, lag_limit_);  // the wall clock may go back
  timer_.at(now() + left, [this, weak = std::weak_ptr(entry), number](Steady) {
    const auto alive = weak.lock();
    if (!alive) return;
    {
      const std::lock_guard guard(alive->lock);
      alive->destinations[number].lag_check = false;
    }
    watch_lag(alive, number);
  });
}

}  // namespace replica::replicator

// What a destination leaves in the mark of a database that is let go of, and how long the next daemon believes it.
#include <algorithm>

#include "engine/destination.hpp"

namespace replica::engine {

DestinationAtRest Destination::at_rest() {
  DestinationAtRest left;
  left.maintenance = scheduled();
  if (const auto newest = levels_.newest(0); newest && newest->range.max == replicated())
    left.newest_min = newest->range.min;
  const std::lock_guard guard(status_lock_);
  left.last_sync = status_.last_sync_at;
  left.seen = seen_;
  changed_at_rest_ = false;
  return left;
}

bool Destination::changed_at_rest() const {
  const std::lock_guard guard(status_lock_);
  return changed_at_rest_;
}

Timestamp Destination::seen() const {
  const std::lock_guard guard(status_lock_);
  return seen_;
}

void Destination::believe(const DestinationAtRest& left, TxId replicated) {
  replicated_ = replicated.value;
  durable_ = 0;
  believed_min_ = left.newest_min;
  believed_maintenance_ = left.maintenance;
  believed_ = true;
  const std::lock_guard guard(status_lock_);
  status_.last_sync_at = left.last_sync;
  seen_ = left.seen;
  changed_at_rest_ = false;
}

void Destination::note_seen() {
  const std::lock_guard guard(status_lock_);
  seen_ = environment_.clock->now();
  changed_at_rest_ = true;
}

// Still believed afterwards: the database rests, and all of it is there. Else a listing must tell.
Result<void> Destination::find_believed(const Call& call) {
  if (origin_.resting()) {
    auto there = is_still_there(call);
    if (!there) return pass(there);
    if (*there) {
      note_found();
      replica_.backend()->rest();
      return {};
    }
    tell_not_as_believed();
    if (auto r = origin_.wake_for_missing(call); !r) return r;
  }
  believed_ = false;
  levels_.forget();  // maintenance at rest may have listed them, long ago
  return {};
}

void Destination::note_found() {
  durable_ = replicated_.load();
  note_seen();
  note_in_step();
}

void Destination::tell_not_as_believed() const {
  log(LogLevel::warn, "replica is not what it was, looking at all of it", {{"txid", replicated().text()}});
}

// Retention never removes the newest file of level 0, and what somebody else has added behind it is not ours.
Result<bool> Destination::is_still_there(const Call& call) {
  if (!believed_min_) return false;
  auto files = replica_.list(0, believed_min_, call);
  if (!files) return pass(files, "list level 0");
  const TxRange newest{believed_min_, replicated()};
  const bool there = std::any_of(files->begin(), files->end(), [&](const auto& file) { return file.range == newest; });
  return there &&
         std::all_of(files->begin(), files->end(), [&](const auto& file) { return file.range.max <= newest.max; });
}

// Maintenance goes by what is there.
Result<void> Destination::confirm_position(const Call& call) {
  if (!believed_) return {};
  auto shipped = ship(call);
  return shipped ? Result<void>{} : Result<void>(pass(shipped));
}

}  // namespace replica::engine

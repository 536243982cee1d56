// Compaction and retention of a replica whose database rests: they take nothing of the database, so that it is not
// opened for them. docs/capture.md.
#include "engine/database.hpp"
#include "engine/lane_lock.hpp"
#include "engine/maintain.hpp"
#include "engine/owner_lock.hpp"

namespace replica::engine {

Result<bool> Database::maintain_at_rest(std::size_t number, const Call& call) {
  if (!resting()) return false;
  auto may = may_maintain_at_rest(call);
  if (!may || !*may) return may;
  auto maintained = destinations_[number]->maintain_at_rest(call);
  if (!maintained || !*maintained) return maintained;
  // When there is something to do next, for the next start.
  std::vector<Destination::Held> held;
  for (const auto& one : destinations_) {
    held.push_back(one->try_hold());
    if (!held.back()) return true;  // who works there sees to it
  }
  auto lock = lock_lane(capture_lock_, call, "maintain");
  if (!lock) return pass(lock);
  if (resting_) save_what_was_seen();
  return true;
}

// It does not keep its lock while it rests. Another daemon that takes it over from here on, and maintains the replica
// too, at worst writes what we write.
Result<bool> Database::may_maintain_at_rest(const Call& call) {
  auto lock = lock_lane(capture_lock_, call, "maintain");
  if (!lock) return pass(lock);
  if (!resting() || !lies_still()) return false;
  auto owner = borrow_owner_lock(meta_path(), config_.path, environment_.gate);
  if (!owner) return pass(owner);
  // Local files that are not needed any more go when it is open: their directory is part of what is proved at rest.
  auto local = io::list_directory(level_zero_path(meta_path()), environment_.gate);
  if (!local) return pass(local, "list local files");
  if (local->size() > 1) return false;
  if (auto r = sweep_scratch(); !r) return pass(r);
  return true;
}

Result<bool> Destination::maintain_at_rest(const Call& call) {
  auto lock = lock_lane(maintain_lock_, call, "maintain");
  if (!lock) return pass(lock);
  if (auto r = levels_.load(replica_, call); !r) return pass(r);
  if (believed_) {
    auto confirmed = confirm_at_rest(call);
    if (!confirmed || !*confirmed) return confirmed;
  }
  const Timestamp now = environment_.clock->now();
  if (needs_database(now)) return false;
  if (auto r = maintain_due(now, call); !r) return pass(r);
  // What was only believed to be there is left as it was found: the list of it is memory for nothing.
  if (believed_) {
    believed_maintenance_ = scheduled();
    levels_.forget();
  }
  levels_.settle();
  replica_.backend()->rest();
  const std::lock_guard guard(status_lock_);
  changed_at_rest_ = true;
  return true;
}

// A snapshot, or to fill a hole of the replica.
bool Destination::needs_database(Timestamp now) const {
  if (schedule_.due(kSnapshotLevel, levels_, now) && lacks_snapshot()) return true;
  for (Level level = 1; level <= schedule_.highest_level(); ++level) {
    if (!schedule_.due(level, levels_, now)) continue;
    if (!plan_compaction(levels_.files(level - 1), levels_.newest(level))) return true;
  }
  return false;
}

// By the listing that was made just now. False: it is not as believed, and the database is to be opened.
Result<bool> Destination::confirm_at_rest(const Call& call) {
  auto lock = lock_lane(ship_lock_, call, "maintain");
  if (!lock) return pass(lock);
  if (!believed_) return true;  // an upload has seen to it
  const auto newest = levels_.newest(0);
  const bool there = newest && newest->range == TxRange{believed_min_, replicated()} && levels_.last() == replicated();
  if (there) {
    note_found();
    return true;
  }
  levels_.forget();
  tell_not_as_believed();
  if (auto r = origin_.doubt(call); !r) return pass(r);
  return false;
}

}  // namespace replica::engine

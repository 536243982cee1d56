// Letting go of a database because others are to be opened: sooner than it would be let go of for its own sake, and by
// less proof when there is no time for more. docs/capture.md.
#include "engine/database.hpp"
#include "engine/lane_lock.hpp"

namespace replica::engine {

// Without the descriptors: opening begins with a look at the file.
bool Database::must_open() const {
  if (store_) return false;
  const auto info = io::stat_path(config_.path);
  return info && info->size > 0;
}

// What a lane has under way at any rate, it does to the end: it has its own descriptor. Then it finds no store, and
// comes back later.
Result<Database::Way> Database::make_way(const Call& call, bool at_any_rate) {
  std::vector<Destination::Held> held;
  held.reserve(destinations_.size());
  bool lanes_held = true;  // none is at work
  for (const auto& one : destinations_) {
    held.push_back(one->try_hold());
    lanes_held = lanes_held && held.back();
  }
  if (!lanes_held && !at_any_rate) return Way::not_now;
  auto lock = lock_lane(capture_lock_, call, "make way");
  if (!lock) return pass(lock);
  if (!store_) return Way::made;
  if (!capture_->attached() || replaced()) {
    // Without a database nothing would open the store again for what is still to go up from there.
    if (replicated() < captured() && !io::stat_path(config_.path)) return Way::not_now;
    capture_->detach();
    set_aside({});
    refresh_status();
    return Way::made;
  }
  auto made = make_way_locked(at_any_rate, lanes_held);
  if (!made) {
    detach_after(made.error());
    refresh_status();
  }
  return made;
}

// True: what was in the way of rest() has been done just now. Nothing is, of one that is being written to.
Result<bool> Database::prepare_rest(bool at_any_rate) {
  auto changed = capture_->has_changes();
  if (!changed) return changed;
  if (*changed) {
    if (!at_any_rate) return false;
    auto captured = capture_->capture();
    if (!captured) return pass(captured);
    refresh_status();
    return false;
  }
  if (auto flushed = capture_->flush(); !flushed) return pass(flushed);
  if (capture_->log_frames() == 0) return false;
  auto done = capture_->checkpoint_easily();
  if (!done) return pass(done);
  return *done == Capture::Backfill::complete;
}

Result<Database::Way> Database::make_way_locked(bool at_any_rate, bool lanes_held) {
  auto prepared = prepare_rest(at_any_rate);
  if (!prepared) return pass(prepared);
  if (*prepared) return Way::soon;
  const bool complete = lanes_held && all_shipped();
  if (!at_any_rate && !complete) return Way::not_now;
  auto left = capture_->rest(complete ? destinations_at_rest() : std::nullopt);
  if (!left) return pass(left);
  if (!*left && capture_->attached()) {
    if (!at_any_rate) return Way::not_now;
    // As for the end of the daemon: the mark behind the last file is the proof, if the log goes on from there.
    if (auto folded = capture_->fold_before_leaving(); !folded) return pass(folded);
    capture_->close();
  }
  if (*left && complete) {
    let_go(**left, true);
  } else {
    set_aside(left->value_or(FilesAtRest{}));
  }
  return Way::made;
}

bool Database::is_aside() const {
  const std::lock_guard guard(store_lock_);
  return aside_;
}

// It is to be opened again before anything is concluded from what lies here.
void Database::set_aside(const FilesAtRest& left) {
  {
    const std::lock_guard guard(store_lock_);
    aside_ = true;
  }
  let_go(left, false);
}

}  // namespace replica::engine

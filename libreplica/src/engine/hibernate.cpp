// Databases that nobody writes to cost no connection and no descriptor. docs/capture.md.
#include <algorithm>

#include "engine/database.hpp"
#include "engine/lane_lock.hpp"

namespace replica::engine {

bool Database::resting() const {
  const std::lock_guard guard(status_lock_);
  return status_.hibernating && status_.rest_complete;
}

// Nothing can have been committed: neither file has been written to.
bool Database::lies_still() const {
  if (!resting_) return false;
  auto main = io::stamp_of(config_.path);
  if (!main || *main != resting_->left.main) return false;
  auto wal = io::stamp_of(config_.path + "-wal");
  if (!wal) return false;
  return !*wal || (*wal)->size == 0 || (resting_->left.wal && io::is_unwritten(*resting_->left.wal, **wal));
}

bool Database::all_shipped() const {
  const TxId last = capture_->last();
  const auto files = local_files();
  if (files.empty() || files.back().range.max != last) return false;
  return std::all_of(destinations_.begin(), destinations_.end(), [&](const auto& one) {
    return one->position_listed() && one->replicated() == last && one->durable() == last;
  });
}

Result<bool> Database::rest(const Call& call) {
  std::vector<Destination::Held> held;
  held.reserve(destinations_.size());
  for (const auto& one : destinations_) {
    held.push_back(one->try_hold());
    if (!held.back()) return false;  // at work
  }
  auto lock = lock_lane(capture_lock_, call, "hibernate");
  if (!lock) return pass(lock);
  if (resting_ || !capture_ || !capture_->attached() || replaced() || !all_shipped()) return false;
  auto left = capture_->rest(destinations_at_rest());
  if (!left) return pass(left);
  if (!*left) {
    if (!capture_->attached()) refresh_status();
    return false;
  }
  let_go(**left, true);
  return true;
}

void Database::let_go(const FilesAtRest& left, bool complete) {
  const TxId last = capture_->last();
  let_go();
  if (complete) {
    awake_.reset();
    for (const auto& one : destinations_) one->settle();
  }
  resting_ = Resting{left, last};
  environment_.logger->log(LogLevel::debug, "hibernating", {{"path", config_.path}, {"txid", last.text()}});
  if (complete) show_at_rest();
  const std::lock_guard guard(status_lock_);
  status_.hibernating = true;
  status_.rest_complete = complete;
  ++counts().hibernations;
}

void Database::let_go() {
  if (capture_) {
    const std::lock_guard guard(status_lock_);
    counts().captures = capture_->counters();
  }
  const std::lock_guard guard(store_lock_);
  capture_.reset();
  store_.reset();
  owner_lock_.reset();
  if (open_.exchange(false) && environment_.held != nullptr) --*environment_.held;
}

Result<bool> Database::wake(const Call& call) {
  auto lock = lock_lane(capture_lock_, call, "wake");
  if (!lock) return pass(lock);
  if (!resting_) return false;
  resting_->left.main = {};  // is not what it looks like
  auto captured = capture_locked(call);
  return captured ? Result<bool>(true) : pass(captured);
}

}  // namespace replica::engine

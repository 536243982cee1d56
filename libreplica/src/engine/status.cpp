// What a database tells of itself.
#include <algorithm>
#include <utility>

#include "engine/database.hpp"

namespace replica::engine {

TxId Database::captured() const {
  const std::lock_guard guard(status_lock_);
  return status_.local_txid;
}

TxId Database::replicated() const { return {replicated_.load()}; }

TxId Database::durable() const { return {durable_.load()}; }

void Database::refresh_status() {
  auto main = io::stat_path(config_.path);
  auto wal = io::stat_path(config_.path + "-wal");
  const std::uint64_t uncaptured = capture_ ? capture_->uncaptured_bytes() : 0;
  const auto files = local_files();
  const std::lock_guard guard(status_lock_);
  status_.database_bytes = main ? main->size : 0;
  status_.wal_bytes = wal ? wal->size : 0;
  status_.ready = capture_ && capture_->attached();
  if (!capture_) return;
  uncaptured_bytes_ = uncaptured;
  backlog_.rebuild(files, replicated(), count_from_.value_or(Timestamp{}));
  status_.local_txid = capture_->last();
  const CaptureCounters& counters = capture_->counters();
  status_.wal_bytes_captured = counters.wal_bytes;
  status_.checkpoints_passive = counters.passive_checkpoints;
  status_.checkpoints_hard = counters.hard_checkpoints;
  status_.steps_aside = counters.steps_aside;
  status_.restarts_aside = counters.restarts_aside;
  status_.reanchors = counters.anchors;
}

DatabaseStatus Database::status() const {
  const std::lock_guard guard(status_lock_);
  DatabaseStatus status = status_;
  status.replicated_txid = replicated();
  if (replica_) {
    status.lag_bytes = backlog_.bytes() + uncaptured_bytes_;
    status.behind_since = behind_since_locked();
  }
  return status;
}

std::optional<Timestamp> Database::behind_since() const {
  const std::lock_guard guard(status_lock_);
  return behind_since_locked();
}

std::optional<Timestamp> Database::behind_since_locked() const {
  const auto oldest = backlog_.since();
  return failing_since_ ? std::min(oldest.value_or(*failing_since_), *failing_since_) : oldest;
}

void Database::note_error(const Error& error, bool of_maintenance) {
  const std::lock_guard guard(status_lock_);
  status_.last_error = error;
  error_of_maintenance_ = of_maintenance;
}

void Database::note_maintained() {
  const std::lock_guard guard(status_lock_);
  if (std::exchange(error_of_maintenance_, false)) status_.last_error.reset();
}

bool Database::note_upload_failure(const Error& error) {
  const std::lock_guard guard(status_lock_);
  const bool refused = error.code == Errc::permission_denied;
  return !std::exchange(status_.auth_failed, refused) && refused;
}

// Brings what status() says of the backlog up to replicated(). `known`: that is what the replica really has.
void Database::note_position(bool known) {
  const auto files = known ? local_files() : std::vector<LtxFileInfo>();
  const std::lock_guard guard(status_lock_);
  if (known && count_from_ != Timestamp{}) {
    count_from_ = Timestamp{};
    backlog_.rebuild(files, replicated(), Timestamp{});
  }
  backlog_.shipped(replicated());
}

void Database::announce_synced() {
  if (!announced_ || replicated() <= *announced_) return;
  announced_ = replicated();
  environment_.publish({.kind = EventKind::synced, .path = config_.path, .txid = replicated()});
}

}  // namespace replica::engine

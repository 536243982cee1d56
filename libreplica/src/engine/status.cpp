// What a database tells of itself, its destinations taken together.
#include <algorithm>
#include <utility>

#include "engine/database.hpp"

namespace replica {

std::vector<DestinationConfig> destinations(const DatabaseConfig& config) {
  std::vector<DestinationConfig> all;
  if (!config.backend) return all;
  all.push_back({.backend = config.backend,
                 .path = config.backend_path,
                 .layout = config.key_layout,
                 .url = config.replica_url,
                 .name = config.replica_name,
                 .sync_interval = config.sync_interval,
                 .server = config.replica_server});
  all.insert(all.end(), config.more_replicas.begin(), config.more_replicas.end());
  return all;
}

}  // namespace replica

namespace replica::engine {
namespace {

TxId least(const std::vector<std::unique_ptr<Destination>>& all, TxId (Destination::*position)() const) {
  if (all.empty()) return {};
  TxId found = ((*all.front()).*position)();
  for (const auto& one : all) found = std::min(found, ((*one).*position)());
  return found;
}

}  // namespace

TxId Database::captured() const {
  const std::lock_guard guard(status_lock_);
  return status_.local_txid;
}

TxId Database::replicated() const { return least(destinations_, &Destination::replicated); }

TxId Database::durable() const { return least(destinations_, &Destination::durable); }

void Database::refresh_status() {
  auto main = io::stat_path(config_.path);
  auto wal = io::stat_path(config_.path + "-wal");
  const std::uint64_t uncaptured = capture_ ? capture_->uncaptured_bytes() : 0;
  const auto files = local_files();
  const std::lock_guard guard(status_lock_);
  status_.database_bytes = main ? main->size : 0;
  status_.wal_bytes = wal ? wal->size : 0;
  status_.ready = capture_ && capture_->attached();
  status_.hibernating = false;
  if (!capture_) return;
  uncaptured_bytes_ = uncaptured;
  for (const auto& one : destinations_) one->rebuild_backlog(files);
  status_.local_txid = capture_->last();
  counts().captures = capture_->counters();
}

Database::Counts& Database::counts() {
  if (!counts_) counts_ = make_lasting<Counts>(*environment_.lasting);
  return *counts_;
}

CaptureCounters Database::captures() const {
  const std::lock_guard guard(status_lock_);
  return counts_ ? counts_->captures : CaptureCounters{};
}

DatabaseStatus Database::status() const {
  const std::lock_guard guard(status_lock_);
  DatabaseStatus status;
  status.path = config_.path;
  status.ready = status_.ready;
  status.hibernating = status_.hibernating;
  status.local_txid = status_.local_txid;
  status.database_bytes = status_.database_bytes;
  status.wal_bytes = status_.wal_bytes;
  const Counts counted = counts_ ? *counts_ : Counts{};
  status.wal_bytes_captured = counted.captures.wal_bytes;
  status.syncs = counted.syncs;
  status.sync_errors = counted.sync_errors;
  status.hibernations = counted.hibernations;
  status.steps_aside = counted.captures.steps_aside;
  status.restarts_aside = counted.captures.restarts_aside;
  status.checkpoints_passive = counted.captures.passive_checkpoints;
  status.checkpoints_hard = counted.captures.hard_checkpoints;
  status.checkpoint_errors = counted.checkpoint_errors;
  status.reanchors = counted.captures.anchors;
  status.sync_seconds = counted.sync_seconds;
  status.checkpoint_seconds = counted.checkpoint_seconds;
  status.disk_full = status_.disk_full;
  add_replicas(status);
  return status;
}

// Takes the destinations together. With one it is that one's.
void Database::add_replicas(DatabaseStatus& status) const {
  std::optional<NotedError> newest;
  if (last_error_) newest = *last_error_;
  bool first = true;
  for (const auto& destination : destinations_) {
    ReplicaStatus one = destination->status();
    if (first) status.replica_type = one.type;
    if (first) status.replica_url = one.url;
    one.lag_bytes += uncaptured_bytes_;
    one.behind_since = worse(one.behind_since);
    if (auto noted = destination->last_error(); noted && (!newest || noted->number > newest->number)) {
      newest = std::move(noted);
      if (!single()) newest->error = std::move(newest->error).within("replica " + destination->label());
    }
    status.replicated_txid = first ? one.replicated_txid : std::min(status.replicated_txid, one.replicated_txid);
    status.lag_bytes = std::max(status.lag_bytes, one.lag_bytes);
    if (one.behind_since)
      status.behind_since = std::min(status.behind_since.value_or(*one.behind_since), *one.behind_since);
    status.last_sync_at = first ? one.last_sync_at : std::min(status.last_sync_at, one.last_sync_at);
    status.auth_failed |= one.auth_failed;
    if (!status.retention_error) status.retention_error = one.retention_error;
    status.uploads += one.uploads;
    status.upload_bytes += one.upload_bytes;
    first = false;
    if (!single()) status.replicas.push_back(std::move(one));
  }
  if (newest) status.last_error = std::move(newest->error);
}

std::optional<Timestamp> Database::behind_since() const {
  const std::lock_guard guard(status_lock_);
  std::optional<Timestamp> oldest;
  for (const auto& one : destinations_) {
    const auto since = one->behind_since();
    if (since && (!oldest || *since < *oldest)) oldest = since;
  }
  return worse(oldest);
}

std::optional<Timestamp> Database::behind_since(std::size_t number) const {
  const std::lock_guard guard(status_lock_);
  return worse(destinations_[number]->behind_since());
}

// Captures that fail leave behind what no file shows.
std::optional<Timestamp> Database::worse(std::optional<Timestamp> since) const {
  return failing_since_ ? std::min(since.value_or(*failing_since_), *failing_since_) : since;
}

void Database::note_error(const Error& error) {
  const std::lock_guard guard(status_lock_);
  last_error_ = std::make_unique<NotedError>(NotedError{error, ++errors_});
}

void Database::note_error(std::size_t number, const Error& error, bool of_maintenance) {
  const std::lock_guard guard(status_lock_);
  destinations_[number]->note_error({error, ++errors_}, of_maintenance);
}

void Database::note_uploaded() {
  const std::lock_guard guard(status_lock_);
  last_error_.reset();
}

}  // namespace replica::engine

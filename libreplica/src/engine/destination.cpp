// What a destination tells of itself, and how it begins and ends.
#include "engine/destination.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace replica::engine {
namespace {

std::unique_ptr<const std::string> own_url(const DestinationConfig& config) {
  if (config.backend && config.backend->url() == config.url) return nullptr;
  return std::make_unique<const std::string>(config.url);
}

}  // namespace

Destination::Destination(DestinationConfig config, Origin& origin, const ReplicatorOptions& options,
                         const Environment& environment)
    : own_url_(own_url(config)),
      settings_(settings_of(config, environment.settings)),
      origin_(origin),
      options_(options),
      environment_(environment),
      replica_(std::move(config.backend), std::move(config.path), config.layout),
      levels_(environment.lasting),
      schedule_(options, environment.lasting) {}

DestinationConfig Destination::config() const {
  return {.backend = replica_.backend(),
          .path = replica_.path(),
          .layout = replica_.layout(),
          .url = url(),
          .name = settings_->name,
          .sync_interval = settings_->sync_interval,
          .server = settings_->server};
}

std::string Destination::label() const {
  if (origin_.single()) return {};
  return settings_->name.empty() ? url() : settings_->name;
}

Result<TxId> Destination::find_position(const Call& call) {
  if (auto r = levels_.load(replica_, call); !r) return pass(r);
  return levels_.last();
}

Holding Destination::holding() const {
  if (levels_.known()) {
    const auto newest1 = levels_.newest(1);
    covered_ = newest1 ? newest1->range.max.value : 0;
  }
  return {.replicated = replicated(), .covered = std::min(TxId{covered_.load()}, replicated()), .met = met_};
}

void Destination::count_from(Timestamp from) {
  const std::lock_guard guard(status_lock_);
  if (!count_from_) count_from_ = from;
}

void Destination::rebuild_backlog(const std::vector<LtxFileInfo>& files) {
  const std::lock_guard guard(status_lock_);
  backlog_.rebuild(files, replicated(), count_from_.value_or(Timestamp{}));
}

std::uint64_t Destination::lag_bytes() const {
  const std::lock_guard guard(status_lock_);
  return backlog_.bytes();
}

std::optional<Timestamp> Destination::behind_since() const {
  const std::lock_guard guard(status_lock_);
  return backlog_.since();
}

ReplicaStatus Destination::status() const {
  const std::lock_guard guard(status_lock_);
  ReplicaStatus status;
  status.type = std::string(replica_.type());
  status.url = url();
  status.name = settings_->name;
  status.replicated_txid = replicated();
  status.last_sync_at = status_.last_sync_at;
  status.auth_failed = status_.auth_failed;
  status.lag_bytes = backlog_.bytes();
  status.uploads = status_.uploads;
  status.upload_bytes = status_.upload_bytes;
  status.behind_since = backlog_.since();
  if (status_.retention_error) status.retention_error = *status_.retention_error;
  if (last_error_) status.last_error = last_error_->error;
  return status;
}

std::optional<NotedError> Destination::last_error() const {
  const std::lock_guard guard(status_lock_);
  return last_error_ ? std::optional(*last_error_) : std::nullopt;
}

void Destination::note_error(NotedError error, bool of_maintenance) {
  const std::lock_guard guard(status_lock_);
  last_error_ = std::make_unique<NotedError>(std::move(error));
  error_of_maintenance_ = of_maintenance;
}

void Destination::note_maintained() {
  const std::lock_guard guard(status_lock_);
  if (std::exchange(error_of_maintenance_, false)) last_error_.reset();
}

bool Destination::note_upload_failure(const Error& error) {
  const std::lock_guard guard(status_lock_);
  const bool refused = error.code == Errc::permission_denied;
  return !std::exchange(status_.auth_failed, refused) && refused;
}

// Brings what status() says of the backlog up to replicated(). `known`: that is what the replica really has.
void Destination::note_position(bool known) {
  const auto files = known ? origin_.local_files() : std::vector<LtxFileInfo>();
  const std::lock_guard guard(status_lock_);
  if (known && count_from_ != Timestamp{}) {
    count_from_ = Timestamp{};
    backlog_.rebuild(files, replicated(), Timestamp{});
  }
  backlog_.shipped(replicated());
}

void Destination::announce_synced() {
  if (!announced_ || replicated() <= *announced_) return;
  announced_ = replicated();
  publish({.kind = EventKind::synced, .path = {}, .txid = replicated()});
}

Destination::Held Destination::hold() {
  Held held{.maintain = std::unique_lock(maintain_lock_), .ship = {}};
  held.ship = std::unique_lock(ship_lock_);
  return held;
}

Destination::Held Destination::try_hold() {
  return {.maintain = std::unique_lock(maintain_lock_, std::try_to_lock),
          .ship = std::unique_lock(ship_lock_, std::try_to_lock)};
}

void Destination::forget() {
  levels_.forget();
  position_known_ = false;
  believed_ = false;
  shipped_page_size_ = 0;
  announced_.reset();
  const std::lock_guard guard(status_lock_);
  count_from_.reset();
}

void Destination::publish(Event event) const {
  event.path = origin_.path();
  event.replica = label();
  environment_.publish(std::move(event));
}

void Destination::log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) const {
  if (!environment_.logger->enabled(level)) return;
  std::vector<LogField> all{{"path", origin_.path()}};
  if (!label().empty()) all.push_back({"replica", label()});
  all.insert(all.end(), fields);
  environment_.logger->write(level, message, all);
}

}  // namespace replica::engine

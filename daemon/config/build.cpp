#include "config/build.hpp"

#include "config/late_backend.hpp"
#include "config/stores.hpp"

namespace config {
namespace {

// What is slow together: a bucket or server, and where it really is.
std::string server_of(const ReplicaSettings& settings) {
  const std::size_t scheme = settings.location.find("://");
  const std::size_t end = scheme == std::string::npos ? scheme : settings.location.find('/', scheme + 3);
  return settings.location.substr(0, end) + " " + settings.store->endpoint + settings.store->host;
}

replica::DestinationConfig destination_config(const ReplicaSettings& settings, const std::string& database,
                                              Metering* metering) {
  const StoreKind& kind = *kind_named(settings.type).value();
  replica::DestinationConfig out;
  if (metering != nullptr) metering->expect(kind.type);
  out.backend = make_late_backend(kind, settings, database, metering);
  out.layout = kind.layout;
  out.url = settings.location;
  out.name = settings.name;
  out.server = server_of(settings);
  if (settings.sync_interval) out.sync_interval = to_milliseconds(*settings.sync_interval);
  return out;
}

}  // namespace

replica::ReplicatorOptions replicator_options(const Config& config) {
  replica::ReplicatorOptions options;
  options.levels.clear();
  for (const LevelSettings& level : config.levels) options.levels.push_back(to_milliseconds(level.interval));
  if (config.snapshot.interval) options.snapshot_interval = to_milliseconds(*config.snapshot.interval);
  if (config.snapshot.retention) options.snapshot_retention = to_milliseconds(*config.snapshot.retention);
  options.l0_retention = to_milliseconds(config.l0_retention);
  options.l0_retention_check_interval = to_milliseconds(config.l0_retention_check_interval);
  options.retention_enabled = config.retention_enabled;
  options.shutdown_sync_timeout = to_milliseconds(config.shutdown_sync_timeout);
  options.shutdown_sync_interval = to_milliseconds(config.shutdown_sync_interval);
  options.lag_limit = to_milliseconds(config.events.lag_limit);
  options.event_capacity = config.events.buffer;
  options.max_open_databases = config.max_open_databases;
  return options;
}

replica::DatabaseConfig database_config(const DatabaseSettings& settings, Metering* metering) {
  replica::DatabaseConfig out;
  out.path = settings.path;
  out.meta_path = settings.meta_path;
  out.monitor_interval = to_milliseconds(settings.monitor_interval);
  out.hibernate_after = to_milliseconds(settings.hibernate_after);
  out.checkpoint_interval = to_milliseconds(settings.checkpoint_interval);
  out.busy_timeout = to_milliseconds(settings.busy_timeout);
  out.min_checkpoint_page_count = settings.min_checkpoint_page_count;
  out.truncate_page_n = settings.truncate_page_n;
  out.max_sync_wal_bytes = settings.max_sync_wal_bytes;
  out.convert_to_wal = settings.convert_to_wal;
  out.restore_if_not_exists = settings.restore_if_db_not_exists;
  for (const ReplicaSettings* one : settings.all_replicas()) {
    replica::DestinationConfig made = destination_config(*one, settings.path, metering);
    if (out.backend) {
      out.more_replicas.push_back(std::move(made));
      continue;
    }
    out.backend = std::move(made.backend);
    out.key_layout = made.layout;
    out.replica_url = std::move(made.url);
    out.replica_name = std::move(made.name);
    out.replica_server = std::move(made.server);
    out.sync_interval = made.sync_interval;
  }
  return out;
}

std::unique_ptr<replica::Backend> open_backend(const ReplicaSettings& settings) {
  return replica::make_retrying_backend(kind_named(settings.type).value()->make(settings, {}));
}

replica::Replica open_replica(const ReplicaSettings& settings) {
  return {open_backend(settings), "", kind_named(settings.type).value()->layout};
}

}  // namespace config

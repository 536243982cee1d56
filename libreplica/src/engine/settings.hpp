// What a database keeps of its configuration: all but its replicas, which the destinations have.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>

#include "replica/database.hpp"

namespace replica::engine {

// The fields are those of DatabaseConfig, but `sync_interval` is the shortest of all replicas.
struct Settings {
  using ms = std::chrono::milliseconds;
  std::string path, meta_path;
  ms monitor_interval, checkpoint_interval, busy_timeout, hibernate_after, sync_interval;
  std::int64_t max_sync_wal_bytes;
  int min_checkpoint_page_count, truncate_page_n;
  bool convert_to_wal, restore_if_not_exists;
};

inline Settings settings_of(const DatabaseConfig& config) {
  auto shortest = config.sync_interval;
  for (const DestinationConfig& one : config.more_replicas) shortest = std::min(shortest, one.sync_interval);
  return {.path = config.path,
          .meta_path = config.meta_path,
          .monitor_interval = config.monitor_interval,
          .checkpoint_interval = config.checkpoint_interval,
          .busy_timeout = config.busy_timeout,
          .hibernate_after = config.hibernate_after,
          .sync_interval = shortest,
          .max_sync_wal_bytes = config.max_sync_wal_bytes,
          .min_checkpoint_page_count = config.min_checkpoint_page_count,
          .truncate_page_n = config.truncate_page_n,
          .convert_to_wal = config.convert_to_wal,
          .restore_if_not_exists = config.restore_if_not_exists};
}

}  // namespace replica::engine

// What a database and its destinations keep of their configuration. Most of it is the same for very many.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "engine/alike.hpp"
#include "replica/database.hpp"

namespace replica::engine {

// The fields are those of DatabaseConfig, but `sync_interval` is the shortest of all replicas.
struct CommonSettings {
  using ms = std::chrono::milliseconds;
  std::string meta_path;
  ms monitor_interval, checkpoint_interval, busy_timeout, hibernate_after, sync_interval;
  std::int64_t max_sync_wal_bytes;
  int min_checkpoint_page_count, truncate_page_n;
  bool convert_to_wal, restore_if_not_exists;

  friend bool operator==(const CommonSettings&, const CommonSettings&) = default;
};

struct Settings {
  std::string path;
  std::shared_ptr<const CommonSettings> common;
  const CommonSettings* operator->() const noexcept { return common.get(); }
};

// Of DestinationConfig what is neither its place nor its URL.
struct DestinationSettings {
  std::string name, server;
  std::chrono::milliseconds sync_interval;

  friend bool operator==(const DestinationSettings&, const DestinationSettings&) = default;
};

// Safe from any thread.
struct SharedSettings {
  Alike<CommonSettings> databases;
  Alike<DestinationSettings> destinations;
};

// `shared` may be nullptr.
inline Settings settings_of(const DatabaseConfig& config, SharedSettings* shared) {
  auto shortest = config.sync_interval;
  for (const DestinationConfig& one : config.more_replicas) shortest = std::min(shortest, one.sync_interval);
  CommonSettings common{.meta_path = config.meta_path,
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
  return {config.path, shared != nullptr ? shared->databases.keep(std::move(common))
                                         : std::make_shared<const CommonSettings>(std::move(common))};
}

inline std::shared_ptr<const DestinationSettings> settings_of(const DestinationConfig& config, SharedSettings* shared) {
  DestinationSettings settings{.name = config.name, .server = config.server, .sync_interval = config.sync_interval};
  return shared != nullptr ? shared->destinations.keep(std::move(settings))
                           : std::make_shared<const DestinationSettings>(std::move(settings));
}

}  // namespace replica::engine

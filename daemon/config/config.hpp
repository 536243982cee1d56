// The configuration file as values: litestream.yml, and how it is found, read and checked.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/control_settings.hpp"
#include "config/duration.hpp"
#include "config/events_settings.hpp"
#include "config/expand.hpp"
#include "config/store_settings.hpp"
#include "replica/result.hpp"

namespace config {

struct ReplicaSettings {
  int line = 0;
  std::string type, url, path, name;
  std::optional<Duration> sync_interval;

  SharedStore store;

  // Made by load() (stores.hpp).
  std::string root;        // file: the directory meant by path or url, absolute
  std::string key_prefix;  // other types: in front of every key
  std::string location;    // as a URL without secrets: shown to users, and different for different places

  friend bool operator==(const ReplicaSettings&, const ReplicaSettings&) = default;
};

struct SnapshotSettings {
  std::optional<Duration> interval, retention;

  friend bool operator==(const SnapshotSettings&, const SnapshotSettings&) = default;
};

struct DatabaseSettings {
  int line = 0;
  std::string path;       // absolute after load()
  std::string meta_path;  // absolute, or empty for the default beside the database
  Duration monitor_interval = std::chrono::seconds(1);
  Duration hibernate_after = std::chrono::minutes(5);
  Duration checkpoint_interval = std::chrono::minutes(1);
  Duration busy_timeout = std::chrono::seconds(1);
  int min_checkpoint_page_count = 1000;
  int truncate_page_n = 121'359;
  std::int64_t max_sync_wal_bytes = 64 << 20;
  bool restore_if_db_not_exists = false;
  bool enabled = true, auto_replicate = true;
  bool convert_to_wal = true;
  SnapshotSettings snapshot;  // stands for the global one, which must not differ
  std::optional<ReplicaSettings> replica;
  std::vector<ReplicaSettings> replicas;  // load() moves the first into `replica`: these are the others

  // Of the peer; read to give its errors for wrong combinations, then refused.
  std::string dir, pattern, meta_dir;
  bool recursive = false, watch = false;

  bool starts_by_itself() const noexcept { return enabled && auto_replicate; }
  // `replica` and the others, in the order of the file. Pointers into this.
  std::vector<const ReplicaSettings*> all_replicas() const {
    std::vector<const ReplicaSettings*> all;
    if (replica) all.push_back(&*replica);
    for (const ReplicaSettings& one : replicas) all.push_back(&one);
    return all;
  }

  friend bool operator==(const DatabaseSettings&, const DatabaseSettings&) = default;
};

struct SocketSettings {
  std::optional<bool> enabled;
  std::string path;
  unsigned permissions = 0600;
  bool persist_to_config = false;
  std::string user, group;                          // of the socket file; empty = the daemon's
  std::vector<std::string> allow_uids, allow_gids;  // names or numbers
  std::vector<AllowSettings> allow;

  // On when enabled says so, or when a path is given and enabled is absent.
  bool is_on() const noexcept { return enabled.value_or(!path.empty()); }
  std::string path_or_default() const { return path.empty() ? "/var/run/litestream.sock" : path; }

  friend bool operator==(const SocketSettings&, const SocketSettings&) = default;
};

struct LoggingSettings {
  std::string level = "info", type = "text";
  bool to_stderr = false;
};

struct LevelSettings {
  Duration interval{};

  friend bool operator==(const LevelSettings&, const LevelSettings&) = default;
};

struct Config {
  std::string file;                      // absolute; empty when made from arguments
  std::optional<std::uint64_t> content;  // of the file that was read, see known_file.hpp
  std::vector<DatabaseSettings> databases;
  std::string addr, exec;
  SocketSettings socket;
  ControlSettings control;
  LoggingSettings logging;
  std::vector<LevelSettings> levels{{std::chrono::seconds(30)}, {std::chrono::minutes(5)}, {std::chrono::hours(1)}};
  SnapshotSettings snapshot;  // both set after load()
  Duration l0_retention = std::chrono::minutes(5);
  Duration l0_retention_check_interval = std::chrono::seconds(15);
  bool retention_enabled = true;
  Duration shutdown_sync_timeout = std::chrono::seconds(30);
  Duration shutdown_sync_interval = std::chrono::milliseconds(500);
  std::optional<Duration> sync_interval;  // for replicas that name none
  StoreSettings store;                    // the same

  EventsSettings events;

  std::size_t max_open_databases = 0;         // held open at once; 0 = as many as the limit of open files has room for
  std::size_t max_measured_databases = 1000;  // with series of their own in /metrics

  std::string heartbeat_url;  // of the peer, as above
  Duration heartbeat_interval = std::chrono::minutes(5);

  std::map<std::string, int, std::less<>> lines;  // where the global keys stand: "snapshot.interval" → 12

  // nullptr when there is none. `path` is absolute.
  const DatabaseSettings* find(std::string_view path) const noexcept;
};

inline constexpr const char* kDefaultPath = "/etc/litestream.yml";

// The flag, else LITESTREAM_CONFIG, else the default.
std::string config_path(const std::string& flag, const Environment& environment);

struct LoadOptions {
  bool expand_environment = true;
  Environment environment = process_environment;
};

// Reads, expands, parses and checks. Errors name FILE:LINE in the message, or in the hint where the message is the
// peer's. not_found `config file not found: <absolute path>`.
replica::Result<Config> load(const std::string& path, const LoadOptions& options = {});
// The same for a text; `file` is for messages only.
replica::Result<Config> parse(const std::string& text, const std::string& file);

// One database and its replica, from the command line.
replica::Result<Config> from_arguments(const std::string& database, const std::string& replica_url);

// Every key with its type and meaning, for --help.
std::string describe_keys();

}  // namespace config

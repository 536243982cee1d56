#include <algorithm>
#include <unordered_map>

#include "config/control_schema.hpp"
#include "config/load.hpp"
#include "config/paths.hpp"
#include "config/stores.hpp"

namespace config {

using replica::Errc;
using replica::fail;
using replica::Result;

namespace {

constexpr std::size_t kMaxLevels = 8;
constexpr std::size_t kMaxSocketPath = 107;  // unix(7): sun_path with its zero byte

std::string shown_place(const ReplicaSettings& replica) {
  return replica.root.empty() ? replica.location : replica.root;
}

// Knows the file, to say where the mistake is.
class Checker {
 public:
  explicit Checker(Config& config) : config_(config) {}

  Result<void> run() {
    if (auto r = promote_snapshots(); !r) return r;
    if (auto r = global_times(); !r) return r;
    if (auto r = global_rest(); !r) return r;
    if (auto r = levels(); !r) return r;
    for (std::size_t i = 0; i < config_.databases.size(); ++i)
      if (auto r = database(config_.databases[i], i + 1); !r) return r;
    return {};
  }

 private:
  replica::Failure invalid(int line, std::string message, Errc code = Errc::invalid_argument) const {
    std::string hint;
    if (!config_.file.empty()) hint = "see " + config_.file + (line > 0 ? ":" + std::to_string(line) : "");
    return fail(code, std::move(message), std::move(hint));
  }
  int line_of(std::string_view key) const {
    const auto found = config_.lines.find(key);
    return found == config_.lines.end() ? 0 : found->second;
  }
  replica::Failure wrong_time(std::string_view key, const std::string& rule, Duration got) const {
    return invalid(line_of(key.substr(0, key.find_first_of(".["))),
                   std::string(key) + ": " + rule + " (got " + format_duration(got) + ")");
  }
  Result<void> positive(std::string_view key, const std::string& what, Duration value) const {
    if (value <= Duration::zero()) return wrong_time(key, what + " must be greater than 0", value);
    return {};
  }

  // The values of the databases stand for the global ones when these are absent, and must then agree.
  Result<void> promote(std::optional<Duration> SnapshotSettings::* member, const std::string& what, Duration standard) {
    if (config_.snapshot.*member) return {};
    const DatabaseSettings* first = nullptr;
    for (const DatabaseSettings& db : config_.databases) {
      const auto& value = db.snapshot.*member;
      if (!value) continue;
      if (first == nullptr) first = &db;
      if (const Duration known = *(first->snapshot.*member); *value != known)
        return invalid(db.line, "conflicting database snapshot " + what + ": " + first->path + " has " +
                                    format_duration(known) + ", " + db.path + " has " + format_duration(*value));
    }
    config_.snapshot.*member = first == nullptr ? standard : *(first->snapshot.*member);
    return {};
  }
  Result<void> promote_snapshots() {
    if (auto r = promote(&SnapshotSettings::interval, "intervals", std::chrono::hours(24)); !r) return r;
    return promote(&SnapshotSettings::retention, "retentions", std::chrono::hours(24));
  }

  Result<void> global_times() const {
    const Config& c = config_;
    if (auto r = positive("snapshot.interval", "snapshot interval", *c.snapshot.interval); !r) return r;
    if (auto r = positive("snapshot.retention", "snapshot retention", *c.snapshot.retention); !r) return r;
    if (c.l0_retention < Duration::zero())
      return wrong_time("l0-retention", "l0 retention must not be negative", c.l0_retention);
    if (auto r = positive("l0-retention-check-interval", "l0 retention check interval", c.l0_retention_check_interval);
        !r)
      return r;
    if (c.shutdown_sync_timeout < Duration::zero())
      return wrong_time("shutdown-sync-timeout", "shutdown-sync-timeout must be >= 0", c.shutdown_sync_timeout);
    if (auto r = positive("shutdown-sync-interval", "shutdown sync interval", c.shutdown_sync_interval); !r) return r;
    return heartbeat();
  }

  Result<void> heartbeat() const {
    const std::string& url = config_.heartbeat_url;
    if (!url.empty() && !url.starts_with("http://") && !url.starts_with("https://"))
      return invalid(line_of("heartbeat-url"),
                     "heartbeat-url: heartbeat URL must be a valid HTTP or HTTPS URL (got " + url + ")");
    if (config_.heartbeat_interval < std::chrono::minutes(1))
      return wrong_time("heartbeat-interval", "heartbeat interval must be at least 1 minute",
                        config_.heartbeat_interval);
    if (!url.empty())
      return invalid(line_of("heartbeat-url"), "heartbeat-url is not supported by this build yet", Errc::unsupported);
    return {};
  }

  Result<void> global_rest() {
    if (config_.sync_interval)
      if (auto r = positive("sync-interval", "sync interval", *config_.sync_interval); !r) return r;
    if (!config_.addr.empty() && config_.addr.find(':') == std::string::npos)
      return invalid(line_of("addr"), "must specify port for bind address: \"" + config_.addr + "\"");
    const std::string& type = config_.logging.type;
    if (type != "text" && type != "json" && type != "pretty")
      return invalid(line_of("logging"), "logging.type: must be text, json or pretty (got \"" + type + "\")");
    return socket();
  }

  Result<void> socket() {
    if (!config_.socket.path.empty()) {
      auto path = absolute_path(config_.socket.path);
      if (!path) return invalid(line_of("socket"), "socket.path: " + path.error().message);
      config_.socket.path = std::move(*path);
    }
    if (config_.socket.path.size() > kMaxSocketPath)
      return invalid(line_of("socket"), "socket.path: too long for a Unix socket (" +
                                            std::to_string(config_.socket.path.size()) + " bytes, at most " +
                                            std::to_string(kMaxSocketPath) + "): " + config_.socket.path);
    if (config_.socket.permissions > 0777)
      return invalid(line_of("socket"), "socket.permissions: not a file mode, write it as 0600");
    return {};
  }

  Result<void> levels() const {
    for (std::size_t i = 0; i < config_.levels.size(); ++i) {
      const std::string key = "levels[" + std::to_string(i) + "].interval";
      if (auto r = positive(key, "compaction interval", config_.levels[i].interval); !r) return r;
    }
    if (config_.levels.size() > kMaxLevels)
      return invalid(line_of("levels"),
                     "cannot open store: compaction level cannot exceed " + std::to_string(kMaxLevels));
    return {};
  }

  Result<void> database(DatabaseSettings& db, std::size_t number) {
    const std::string name = "database config #" + std::to_string(number);
    if (auto r = shape(db, name); !r) return r;
    auto path = absolute_path(db.path);
    if (!path) return invalid(db.line, name + ": " + path.error().message);
    db.path = std::move(*path);
    if (const auto [at, fresh] = paths_.try_emplace(db.path, number); !fresh)
      return invalid(db.line, name + ": duplicate path \"" + db.path + "\" (already used by database config #" +
                                  std::to_string(at->second) + "); each database can be listed only once");
    if (!db.meta_path.empty()) {
      auto meta = absolute_path(db.meta_path);
      if (!meta) return invalid(db.line, name + ": " + meta.error().message);
      db.meta_path = std::move(*meta);
    }
    if (auto r = numbers(db); !r) return r;
    return destinations(db, number);
  }

  Result<void> shape(const DatabaseSettings& db, const std::string& name) const {
    const auto refuse = [&](const char* why) { return invalid(db.line, name + ": " + why); };
    if (!db.path.empty() && !db.dir.empty()) return refuse("cannot specify both 'path' and 'dir'");
    if (db.path.empty() && db.dir.empty()) return refuse("must specify either 'path' or 'dir'");
    if (!db.dir.empty() && db.pattern.empty()) return refuse("'pattern' is required when using 'dir'");
    if (db.dir.empty() && db.watch) return refuse("'watch' can only be enabled with a directory");
    if (db.dir.empty() && !db.meta_dir.empty()) return refuse("'meta-dir' can only be used with a directory");
    if (!db.meta_path.empty() && !db.meta_dir.empty()) return refuse("cannot specify both 'meta-path' and 'meta-dir'");
    if (!db.dir.empty())
      return invalid(db.line, name + ": 'dir' is not supported by this build yet", Errc::unsupported);
    return {};
  }

  Result<void> numbers(const DatabaseSettings& db) const {
    const auto refuse = [&](const char* key, const std::string& why) {
      return invalid(db.line, "dbs[" + db.path + "]." + key + ": " + why);
    };
    if (db.monitor_interval <= Duration::zero()) return refuse("monitor-interval", "must be greater than 0");
    if (db.checkpoint_interval < Duration::zero()) return refuse("checkpoint-interval", "must not be negative");
    if (db.hibernate_after < Duration::zero()) return refuse("hibernate-after", "must not be negative");
    if (db.busy_timeout < Duration::zero()) return refuse("busy-timeout", "must not be negative");
    if (db.min_checkpoint_page_count <= 0)
      return refuse("min-checkpoint-page-count", "minimum checkpoint page count required");
    if (db.max_sync_wal_bytes < 0) return refuse("max-sync-wal-bytes", "must not be negative");
    return {};
  }

  Result<void> destinations(DatabaseSettings& db, std::size_t number) {
    if (db.replica && !db.replicas.empty())
      return invalid(db.line, "cannot specify 'replica' and 'replicas' on a database");
    const std::string key = "dbs[" + db.path + "].replica";
    for (std::size_t i = 0; i < db.replicas.size(); ++i)
      if (auto r = destination(db.replicas[i], key + "s[" + std::to_string(i) + "]", number); !r) return r;
    if (auto r = distinct_names(db, key); !r) return r;
    if (!db.replicas.empty()) {
      db.replica = std::move(db.replicas.front());
      db.replicas.erase(db.replicas.begin());
      return {};
    }
    if (!db.replica) {
      // Registered closed, it may wait for a `start -config` that names one.
      if (db.starts_by_itself()) return invalid(db.line, "must specify replica for database");
      return {};
    }
    return destination(*db.replica, key, number);
  }

  // Several are told apart by their names, where they have any.
  Result<void> distinct_names(const DatabaseSettings& db, const std::string& key) const {
    std::unordered_map<std::string, int> lines;
    for (const ReplicaSettings& one : db.replicas) {
      if (one.name.empty()) continue;
      const auto [at, fresh] = lines.try_emplace(one.name, one.line);
      if (!fresh)
        return invalid(one.line,
                       key + "s: name \"" + one.name + "\" is already used on line " + std::to_string(at->second));
    }
    return {};
  }

  Result<void> destination(ReplicaSettings& replica, const std::string& key, std::size_t number) {
    if (!replica.sync_interval) replica.sync_interval = config_.sync_interval;
    if (const auto interval = replica.sync_interval; interval && *interval <= Duration::zero())
      return invalid(replica.line, key + ".sync-interval: sync interval must be greater than 0 (got " +
                                       format_duration(*interval) + ")");
    if (auto r = locate(replica); !r) return r;
    const auto [at, fresh] = locations_.try_emplace(replica.location, Use{number, replica.line});
    if (fresh) return {};
    const bool same = at->second.number == number;
    return invalid(replica.line, "database config #" + std::to_string(number) + ": replica \"" + shown_place(replica) +
                                     "\" is already used " +
                                     (same ? "on line " + std::to_string(at->second.line)
                                           : "by database config #" + std::to_string(at->second.number)));
  }

  Result<void> locate(ReplicaSettings& replica) {
    if (auto settled = settle(replica, config_.store); !settled)
      return invalid(replica.line, settled.error().message, settled.error().code);
    replica.store.share(last_store_);
    last_store_ = replica.store;
    return {};
  }

  struct Use {
    std::size_t number;  // of the database config
    int line;
  };
  Config& config_;
  SharedStore last_store_;                              // of the replica before, which the next one often has too
  std::unordered_map<std::string, std::size_t> paths_;  // → number of the database config
  std::unordered_map<std::string, Use> locations_;
};

}  // namespace

Result<void> complete(Config& config) {
  if (auto r = Checker(config).run(); !r) return r;
  return check_control(config);
}

}  // namespace config

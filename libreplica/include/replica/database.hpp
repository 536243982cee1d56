// What a database's replication is told, and what it tells: the values between an application, the Replicator and the
// engine.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "replica/backend.hpp"
#include "replica/clock.hpp"
#include "replica/events.hpp"
#include "replica/log.hpp"
#include "replica/replica.hpp"
#include "replica/types.hpp"

namespace replica {

// What a database that is open holds at most: its file and log by two connections, the wal-index, the owner's lock.
inline constexpr std::size_t kDescriptorsPerDatabase = 6;

// One place that a database is copied to.
struct DestinationConfig {
  std::shared_ptr<Backend> backend{};
  std::string path{};  // key prefix of the database there
  KeyLayout layout = KeyLayout::ltx_folder;
  std::string url{};                              // as shown to users, without secrets
  std::string name{};                             // as users call it; may be empty
  std::chrono::milliseconds sync_interval{1000};  // shortest time between two uploads while changes keep coming
  // Names the server behind it: destinations with the same text are slow together. Empty = by url, else by backend.
  std::string server{};
};

struct DatabaseConfig {
  using ms = std::chrono::milliseconds;
  std::string path;                // absolute
  std::string meta_path{};         // empty = "<dir>/.<name>-litestream"
  ms monitor_interval{1000};       // reconcile poll; change events come sooner
  ms checkpoint_interval{60'000};  // 0 = never by time
  ms busy_timeout{1000};
  int min_checkpoint_page_count = 1000;  // WAL pages from which a checkpoint is tried the easy way
  int truncate_page_n = 121'359;  // WAL pages from which the write lock is taken for one; 0 = default, < 0 = never
  std::int64_t max_sync_wal_bytes = 64 << 20;  // of one level-0 file, at commit borders; 0 = no limit
  // How long nothing must have been written until an open database costs no connection and no descriptor; 0 = it always
  // keeps them. A change, a control call or maintenance opens it again.
  ms hibernate_after{300'000};
  bool convert_to_wal = true;          // a database in a rollback mode: switch it, or refuse
  bool restore_if_not_exists = false;  // before the first open, when the file is missing

  // The replica, or the first of several.
  std::shared_ptr<Backend> backend{};  // nullptr = no replica configured
  std::string backend_path{};          // key prefix of this database
  KeyLayout key_layout = KeyLayout::ltx_folder;
  std::string replica_url{};                       // as shown to users, without secrets
  ms sync_interval{1000};                          // shortest time between two uploads while changes keep coming
  std::string replica_name{}, replica_server{};    // DestinationConfig::name and ::server
  std::vector<DestinationConfig> more_replicas{};  // each with its own position, pace and retention
};

// All that `config` names, the first one first; empty without a replica.
std::vector<DestinationConfig> destinations(const DatabaseConfig& config);

struct ReplicatorOptions {
  using ms = std::chrono::milliseconds;
  std::vector<ms> levels{ms(30'000), ms(300'000), ms(3'600'000)};  // L1…; at most 8
  ms snapshot_interval{86'400'000}, snapshot_retention{86'400'000};
  ms l0_retention{300'000}, l0_retention_check_interval{15'000};  // l0_retention 0 = keep for ever
  bool retention_enabled = true;                                  // false = never delete from the replica
  bool maintain = true;  // false = no compaction, snapshot or retention by itself, only those asked for
  ms shutdown_sync_timeout{30'000}, shutdown_sync_interval{500};
  ms lag_limit{60'000};  // how old the oldest change may be that the replica lacks; 0 = `lagging` is never said
  std::size_t event_capacity = EventBus::kDefaultCapacity;  // events that can be read again
  std::size_t max_watches = 0;  // directories watched at most; 0 = as many as the system lets (inotify)
  // Called on a worker some seconds after databases began to hibernate, once for many: memory has become free, and the
  // threads that had nothing to do have ended.
  std::function<void()> after_rest{};
  // For tests, called by the thread of change events: true = this one is not heard of.
  std::function<bool()> loses_event{};
  // Databases that hold descriptors at once; 0 = no limit. Others wait: the one that was quiet for longest is let go of
  // for them at once, whatever its hibernate_after says, and when more are busy than that they take turns. An eighth of
  // the places, 16 at most, is kept for calls (sync, start, stop, snapshot), which come before all others; calls never
  // exceed the limit either, and wait as long as their Call lets them.
  std::size_t max_open_databases = 0;
  int threads = 4;               // capture and ship each get this many
  Logger* logger = nullptr;      // must outlive the Replicator
  const Clock* clock = nullptr;  // nullptr = the system's
};

enum class DatabaseState { closed, open };

// One of several copies of a database. The fields mean what those of DatabaseStatus do.
struct ReplicaStatus {
  std::string type, url, name;
  TxId replicated_txid;
  std::optional<Timestamp> last_sync_at;
  std::optional<Error> last_error, retention_error;
  bool auth_failed = false;
  std::uint64_t lag_bytes = 0, uploads = 0, upload_bytes = 0;
  std::optional<Timestamp> behind_since;
};

struct DatabaseStatus {
  std::string path;
  DatabaseState state = DatabaseState::closed;
  bool ready = false;                     // open, and the database file was found and attached
  bool hibernating = false;               // open, and ready without a connection until there is something to do
  bool at_work = false;                   // something is being captured or uploaded
  std::string replica_type, replica_url;  // empty without a replica
  TxId local_txid, replicated_txid;
  std::optional<Timestamp> last_sync_at;  // last time all that was captured was durable on the replica
  std::optional<Error> last_error;
  bool auth_failed = false;  // the last upload was refused: permission_denied
  // Set while the store refuses to delete what retention has condemned: replication goes on, the replica grows.
  std::optional<Error> retention_error;
  std::uint64_t database_bytes = 0, wal_bytes = 0;
  // How far the replica is behind: bytes of level-0 files that it lacks and, as of the last look, of the WAL that no
  // file holds yet; since when, by the oldest such file or the first of the captures that have been failing since.
  std::uint64_t lag_bytes = 0;
  std::optional<Timestamp> behind_since;
  // Counters since the database was added.
  std::uint64_t wal_bytes_captured = 0, syncs = 0, sync_errors = 0, uploads = 0, upload_bytes = 0;
  std::uint64_t hibernations = 0;
  std::uint64_t steps_aside = 0, restarts_aside = 0;  // for the application's own checkpoints (docs/capture.md)
  std::uint64_t checkpoints_passive = 0, checkpoints_hard = 0, checkpoint_errors = 0, reanchors = 0;
  double sync_seconds = 0, checkpoint_seconds = 0;
  bool disk_full = false;
  // Of a database with several replicas, in the order of its configuration; else empty. The fields above then say what
  // holds for all of them: the least position, the largest lag, the newest error.
  std::vector<ReplicaStatus> replicas{};
};

}  // namespace replica

// Many databases replicated on a bounded set of threads: what an embedding application (and litestreamd) starts.
//
// Safe in a process that has the same databases open through the same SQLite library. No globals, no signal handlers;
// no thread is left after stop() or the destructor. Every method may be called from any thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "replica/clock.hpp"
#include "replica/database.hpp"
#include "replica/events.hpp"

namespace replica {

struct SyncOutcome {
  TxId txid;  // local position
  TxId replicated_txid;
  bool changed = false;  // something new was captured or uploaded by this call
};

struct DatabaseCounts {
  std::size_t registered = 0, open = 0;
  std::size_t held = 0;  // of the open ones: with a connection and descriptors, not hibernating
};

// Databases whose turn has come and that wait for a thread.
struct QueueDepths {
  std::size_t capture = 0, ship = 0, maintain = 0;
};

// A database that is to be closed, and those of its replicas that are not to go on, by URL.
struct Leaving {
  std::string path;
  std::vector<std::string> replicas;
};

// A replica that was given up: it lacks what lies between the two positions. `captured` is 0 when nothing was.
struct LeftBehind {
  std::string replica;
  TxId replicated, captured;
  std::optional<Error> error{};  // the last one
};

class Replicator {
 public:
  explicit Replicator(ReplicatorOptions options = {});
  ~Replicator();  // stop() without patience
  Replicator(const Replicator&) = delete;
  Replicator& operator=(const Replicator&) = delete;

  // Registers a database, closed. already_exists for a known path, invalid_argument for settings that make no sense.
  Result<void> add(const DatabaseConfig& config);
  // Stops and forgets it. not_found for an unknown path. Deletes nothing.
  Result<void> remove(const std::string& path, const Call& call = {});
  // Both at once, with other settings for a path that may be known: nobody finds it missing in between.
  Result<void> replace(const DatabaseConfig& config, const Call& call = {});

  // Begins replication; with `wait` blocks until the database is attached (the file must exist then). Codes: not_found,
  // already_exists "database already enabled", precondition_failed "database has no replica configured", timed_out.
  Result<void> start(const std::string& path, bool wait, const Call& call = {});
  // Captures and ships what is committed, then closes. Codes: not_found, precondition_failed "database already
  // disabled"; the final upload's error otherwise, and then the database is closed all the same unless the Call ended
  // first (timed_out: still open).
  Result<TxId> stop(const std::string& path, const Call& call = {});
  // Closes databases, each as soon as those of its replicas that are named have all that is committed, or are given up:
  // at once when uploads to them fail, else after options.shutdown_sync_timeout or half of the time that the Call has,
  // whichever is shorter, for all of them together. Until then everything goes on. What the other replicas lack lies in
  // the local store. `closed` is called for each on this thread: with what was left behind, or with not_found, busy
  // when another call is closing it, or the Call's own end (still open).
  using Closed = std::function<void(const std::string& path, Result<std::vector<LeftBehind>> left_behind)>;
  void let_go(const std::vector<Leaving>& databases, const Closed& closed, const Call& call = {});
  // Captures now; with `wait` returns when all of it is durable on the replica. Codes: not_found, precondition_failed
  // "database not open".
  Result<SyncOutcome> sync(const std::string& path, bool wait, const Call& call = {});
  // Returns once `txid`, or without one everything committed when it is called, is durable on the replica; the position
  // there then. Hurries nothing: captures and uploads come at their usual times, and one serves any number of waiters.
  // A caller that wants it now calls sync(). Codes: not_found, precondition_failed "database not open" or "database has
  // no replica configured", timed_out (the hint says what went wrong meanwhile, if anything did), cancelled "database
  // was stopped" when it was closed without having got that far.
  Result<TxId> wait_durable(const std::string& path, std::optional<TxId> txid, const Call& call = {});
  // Writes a level-9 snapshot now.
  Result<TxId> snapshot(const std::string& path, const Call& call = {});
  // Removes now what retention does not keep.
  Result<void> enforce_retention(const std::string& path, const Call& call = {});

  Result<DatabaseStatus> status(const std::string& path) const;
  std::vector<DatabaseStatus> list() const;  // by path
  // The same with no more than path and state: for listings of very many.
  std::vector<std::pair<std::string, DatabaseState>> states() const;
  DatabaseCounts counts() const;  // cheap, however many there are
  QueueDepths queue_depths() const;

  // What happens here, for as long as the Replicator lives.
  EventBus& events() noexcept;

  // Stops all databases. A failed final upload is tried again every options.shutdown_sync_interval, whatever the error,
  // until options.shutdown_sync_timeout is over (for all of them together; 0 = one attempt each) or `call` ends.
  // Returns the paths whose final upload failed, with the last error. Afterwards only the destructor may be called.
  std::vector<std::pair<std::string, Error>> stop_all(const Call& call = {});

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The SQLite library in use, and whether it is one with the WAL-reset bug (fixed in 3.51.3, 3.50.7 and 3.44.6).
struct SqliteInfo {
  std::string version;
  bool has_wal_reset_bug = false;
};
SqliteInfo sqlite_info();

// For a process that uses SQLite for replication only, before it uses it at all: connections then do not set pages
// aside, which saves some 80 KB for each open database (SQLITE_CONFIG_PAGECACHE with 0 pages). A setting of the whole
// process, which is why the Replicator does not make it. False when SQLite is in use already.
bool economise_sqlite();

}  // namespace replica

// What can be asked of the daemon: one struct of parameters and one of results a method, and the Service that answers.
// Values only. Member order is the order of the keys on the wire. The same structs drive decoding, encoding, help and
// docs/protocol.md (methods.hpp).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "control/error.hpp"
#include "control/events.hpp"
#include "control/replica_entry.hpp"

namespace control {

inline constexpr std::chrono::milliseconds kDefaultTimeout{30'000};

using UnixTime = std::chrono::sys_time<std::chrono::milliseconds>;  // seconds since 1970 on the wire

// What every call that changes something takes beside its own parameters.
struct Safety {
  bool dry_run = false;                     // check everything, change nothing; the result says what would be changed
  std::optional<std::string> request_id{};  // the same call again has the effect and the answer of the first one
  std::optional<UnixTime> deadline{};       // give up then, when that is before the timeout
};

// What every result of such a call says.
struct Change {
  bool changed = true;            // in a dry run: would change
  std::optional<bool> dry_run{};  // only there when it was one
};

struct StartParams {
  std::string path;                     // never empty
  std::optional<std::string> config{};  // path of a configuration file with the replica's settings
  bool wait = false;
  std::chrono::milliseconds timeout = kDefaultTimeout;  // seconds on the wire; 0 there means the default
  std::optional<bool> persist{};                        // instead of socket.persist-to-config
  Safety safety{};
};

struct StartResult {
  std::string status = "started";
  std::string path;
  std::optional<std::uint64_t> txid{};
  Change change{};
};

struct StopParams {
  std::string path;
  std::chrono::milliseconds timeout = kDefaultTimeout;
  std::optional<bool> persist{};
  Safety safety{};
};

struct StopResult {
  std::string status = "stopped";
  std::string path;
  std::optional<std::uint64_t> txid{};
  Change change{};
};

struct SyncParams {
  std::string path;
  bool wait = false;
  std::chrono::milliseconds timeout = kDefaultTimeout;
  Safety safety{};
};

struct SyncResult {
  std::string status = "synced";  // "synced", "synced_local" (captured, the upload is under way) or "no_change"
  std::string path;
  std::optional<std::uint64_t> txid{};
  std::optional<std::uint64_t> replicated_txid{};
  Change change{};
};

struct StatusParams {
  std::string path;
  bool details = false;
};

struct ListParams {
  bool details = false;
};

enum class DatabaseState { closed, open };

// What was asked of a store.
struct RequestTotals {
  std::uint64_t put = 0, get = 0, list = 0, stat = 0, remove = 0, other = 0, login = 0;
  std::uint64_t errors = 0, retries = 0;
  std::uint64_t bytes_sent = 0, bytes_received = 0;
};

// Result of status, and one entry of list's array. What follows the first two members is there with `details` only.
struct DatabaseEntry {
  std::string path;
  DatabaseState status = DatabaseState::closed;
  std::optional<std::uint64_t> txid{};
  std::optional<std::uint64_t> replicated_txid{};
  std::optional<double> lag_seconds{};  // 0 while everything captured is durable
  std::optional<std::uint64_t> database_bytes{};
  std::optional<std::uint64_t> wal_bytes{};
  std::optional<std::string> replica{};       // URL without secrets; none without a replica
  std::optional<std::string> last_sync_at{};  // RFC 3339; none before the first
  std::optional<LastError> last_error{};      // none while all is well
  // How the replica takes what it is sent: "ok", "failing", "auth_failed" or "retention_refused"; none without one.
  std::optional<std::string> replica_state{};
  std::optional<std::vector<ReplicaEntry>> replicas{};  // when there are several; above is what holds for all of them
  std::optional<RequestTotals> requests{};  // to its replica, since it was registered; none before the first
  std::optional<bool> hibernating{};        // open, but quiet for so long that no connection is kept
};

struct InfoResult {
  std::string version;
  std::int64_t pid = 0;
  std::string config_path;
  std::string socket_path;  // empty when there is no such listener
  std::string http_addr;
  bool persist_to_config = false;
  std::uint64_t databases = 0;
  std::uint64_t open_databases = 0;
  std::string started_at;  // RFC 3339, UTC
  std::optional<std::string> sqlite_version{};
  std::optional<std::uint64_t> uptime_seconds{};
};

struct RegisterParams {
  std::string path;
  std::string replica_url;
  std::chrono::milliseconds timeout = kDefaultTimeout;
  std::optional<bool> persist{};
  Safety safety{};
};

struct RegisterResult {
  std::string status = "registered";  // or "already_registered"
  std::string path;
  Change change{};
};

struct UnregisterParams {
  std::string path;
  std::chrono::milliseconds timeout = kDefaultTimeout;
  std::optional<bool> persist{};
  Safety safety{};
};

struct UnregisterResult {
  std::string status = "unregistered";  // or "already_unregistered"
  std::string path;
  std::optional<std::uint64_t> txid{};
  Change change{};
};

struct TxidParams {
  std::string path;
};

struct TxidResult {
  std::uint64_t txid = 0;
};

struct SyncStatusParams {
  std::optional<std::string> path{};  // none = all databases
};

// What is going on in a database now. The members up to `error` are the peer's, as far as they are known here.
struct SyncStatusEntry {
  std::string path;
  bool active = false;                     // something is being captured or uploaded
  std::optional<std::string> operation{};  // "sync" then
  std::optional<std::uint64_t> txid{};     // none before the first capture
  std::optional<std::uint64_t> wal_size{};
  std::optional<std::string> error{};  // of the last attempt
  DatabaseState status = DatabaseState::closed;
  std::optional<std::uint64_t> replicated_txid{};
  std::optional<std::string> last_sync_at{};  // when all that was captured was last durable on the replica, RFC 3339
};

struct ConfigParams {
  std::optional<std::string> config{};  // path; without it the file in use
};

struct ValidateResult {
  std::string status = "valid";
  std::string config;
  std::uint64_t databases = 0;
};

// What a file would change in the running daemon: paths of databases, and names of global keys.
struct ConfigDiff {
  std::vector<std::string> added{}, removed{};
  std::vector<std::string> modified{};       // other settings: closed and registered anew
  std::vector<std::string> switched{};       // `enabled` or `auto-replicate` only
  std::vector<std::string> applied{};        // keys that take effect at once
  std::vector<std::string> needs_restart{};  // keys that do not
};

struct ReloadParams {
  std::chrono::milliseconds timeout = kDefaultTimeout;
  Safety safety{};
};

struct ReloadResult {
  std::string status = "reloaded";
  ConfigDiff diff{};
  Change change{};
};

struct LogLevelParams {
  std::optional<std::string> level{};  // trace, debug, info, warn or error; none = only ask
  Safety safety{};
};

struct LogLevelResult {
  std::string level;
  Change change{};
};

// When to give up. The deadline is the caller's timeout less a margin, so that the true error still reaches it; `stop`
// is set when the server shuts down: return soon then, with whatever is true.
struct Call {
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
  std::stop_token stop{};
};

// Implemented by the daemon, called on the server's threads, from several at once; blocking until the Call ends is
// allowed in start, stop and sync. Errors: messages as in docs/protocol.md with code::kApplication, and
// timeout_error(method) when the deadline passed. What is thrown is answered as an internal error.
class Service {
 public:
  virtual ~Service() = default;

  // With `wait`, returns once replication runs.
  virtual Result<StartResult> start(const StartParams& params, const Call& call) = 0;
  // Always waits for the final upload.
  virtual Result<StopResult> stop(const StopParams& params, const Call& call) = 0;
  // With `wait`, returns once everything committed before the call is durable on the replica.
  virtual Result<SyncResult> sync(const SyncParams& params, const Call& call) = 0;

  // Answered from memory, promptly, also while all the calls above are waiting. status and info are called on the
  // thread that moves the bytes of all connections: they must not wait for anything.
  virtual Result<DatabaseEntry> status(const StatusParams& params, const Call& call) = 0;
  virtual Result<InfoResult> info(const Call& call) = 0;
  virtual Result<std::vector<DatabaseEntry>> list(const ListParams& params, const Call& call) = 0;

  // Reads and checks a configuration file, changes nothing.
  virtual Result<ValidateResult> validate_config(const ConfigParams& params, const Call& call) = 0;
  virtual Result<ConfigDiff> diff_config(const ConfigParams& params, const Call& call) = 0;
  // Takes the file in use over as it is now; databases that it leaves as they were are not touched.
  virtual Result<ReloadResult> reload_config(const ReloadParams& params, const Call& call) = 0;
  virtual Result<LogLevelResult> log_level(const LogLevelParams& params, const Call& call) = 0;
  // Opens the database at once, with default settings.
  virtual Result<RegisterResult> register_database(const RegisterParams& params, const Call& call) = 0;
  // Stops it, with the final upload, and forgets it. Deletes nothing.
  virtual Result<UnregisterResult> unregister_database(const UnregisterParams& params, const Call& call) = 0;
  virtual Result<TxidResult> txid(const TxidParams& params, const Call& call) = 0;
  virtual Result<std::vector<SyncStatusEntry>> sync_status(const SyncStatusParams& params, const Call& call) = 0;

  // From memory, on the thread that moves the bytes, as status.
  virtual Result<PositionResult> position(const PositionParams& params, const Call& call) = 0;
  // Blocks until then, or until the Call ends; on threads of its own.
  virtual Result<WaitResult> wait(const WaitParams& params, const Call& call) = 0;
  // As status; never nullptr. The source is used by one thread and outlived by the Service.
  virtual Result<std::shared_ptr<EventSource>> subscribe(const WatchParams& params, const Call& call) = 0;
};

}  // namespace control

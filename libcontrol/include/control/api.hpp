// What can be asked of the daemon: one struct of parameters and one of results a method, and the Service that answers.
// Values only. Member order is the order of the keys on the wire. The same structs drive decoding, encoding, help and
// docs/protocol.md (methods.hpp).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "control/error.hpp"

namespace control {

inline constexpr std::chrono::milliseconds kDefaultTimeout{30'000};

struct StartParams {
  std::string path;                     // never empty
  std::optional<std::string> config{};  // path of a configuration file with the replica's settings
  bool wait = false;
  std::chrono::milliseconds timeout = kDefaultTimeout;  // seconds on the wire; 0 there means the default
};

struct StartResult {
  std::string status = "started";
  std::string path;
  std::optional<std::uint64_t> txid{};
};

struct StopParams {
  std::string path;
  std::chrono::milliseconds timeout = kDefaultTimeout;
};

struct StopResult {
  std::string status = "stopped";
  std::string path;
  std::optional<std::uint64_t> txid{};
};

struct SyncParams {
  std::string path;
  bool wait = false;
  std::chrono::milliseconds timeout = kDefaultTimeout;
};

struct SyncResult {
  std::string status = "synced";  // "synced", "synced_local" (captured, the upload is under way) or "no_change"
  std::string path;
  std::optional<std::uint64_t> txid{};
  std::optional<std::uint64_t> replicated_txid{};
};

struct StatusParams {
  std::string path;
};

enum class DatabaseState { closed, open };

// Result of status, and one entry of list's array.
struct DatabaseEntry {
  std::string path;
  DatabaseState status = DatabaseState::closed;
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
  virtual Result<std::vector<DatabaseEntry>> list(const Call& call) = 0;
};

}  // namespace control

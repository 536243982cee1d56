// What is told of one replica of a database.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace control {

// Why the last step of a database's replication failed.
struct LastError {
  std::string code;  // a stable word
  std::string message;
};

// One of several replicas; the members mean what those of DatabaseEntry do.
struct ReplicaEntry {
  std::string replica;
  std::optional<std::string> name{};
  std::uint64_t replicated_txid = 0;
  std::uint64_t lag_bytes = 0;
  double lag_seconds = 0;
  std::optional<std::string> last_sync_at{};
  std::optional<LastError> last_error{};
  std::string replica_state{};
};

}  // namespace control

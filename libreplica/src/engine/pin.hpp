// A connection that holds a read transaction: while it lives, no frame beyond its snapshot is backfilled and the WAL is
// restarted at most once, and only when everything was backfilled before it opened (docs/architecture.md, lock
// protocol).
#pragma once

#include "io/sqlite.hpp"
#include "wal/wal_index.hpp"

namespace replica::engine {

class Pin {
 public:
  static Result<Pin> open(const std::string& path, const io::ConnectionOptions& options);

  // `busy` when writers keep changing it under us: look again later.
  Result<wal::WalIndexHeader> wal_index();
  io::Connection& connection() noexcept { return connection_; }

 private:
  explicit Pin(io::Connection connection) : connection_(std::move(connection)) {}
  io::Connection connection_;
};

}  // namespace replica::engine

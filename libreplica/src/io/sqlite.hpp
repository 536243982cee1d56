// A SQLite connection as the engine needs it: read transactions that pin the WAL, checkpoints, the wal-index header,
// and raw reads of the database file through SQLite's own handle (opening and closing the file by path would drop every
// POSIX lock this process holds on it: https://www.sqlite.org/howtocorrupt.html §2.2).
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "io/gate.hpp"
#include "replica/types.hpp"

struct sqlite3;
struct sqlite3_file;  // NOLINT(readability-identifier-naming): SQLite's own name

namespace replica::io {

struct ConnectionOptions {
  std::chrono::milliseconds busy_timeout{1000};
  bool create = false;
  Gate* gate = nullptr;  // must outlive the connection
};

// One thread at a time. Auto-checkpoint off, no checkpoint on close unless told, no mmap; of the cache a page or two is
// used.
class Connection {
 public:
  static Result<Connection> open(const std::string& path, const ConnectionOptions& options);
  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&& other) noexcept;
  ~Connection();

  Result<void> execute(const char* sql);
  Result<std::string> query_text(const char* sql);  // first column of the first row, empty when none
  void set_busy_timeout(std::chrono::milliseconds timeout);
  // If it is the last one to its database when it is closed: checkpoints and deletes the WAL, as an application's does.
  // SQLite leaves it alone when another file has taken the place of the database.
  void checkpoint_on_close();

  // A read transaction that stays open: while it lives, no frame it cannot see is backfilled. Reads no schema.
  Result<void> begin_read();
  Result<void> end_read();
  // The write lock, without touching a page; busy when somebody else keeps it beyond the busy timeout.
  Result<void> begin_write();
  Result<void> end_write();
  Result<bool> checkpoint_passive();  // false: somebody else was checkpointing
  Result<bool> truncate_log();        // with the write lock; false: not all of it is backfilled, or somebody uses it

  // Copies the first bytes of the wal-index (the -shm file) out of SQLite's own mapping; no system call once mapped.
  // Needs a read transaction now or before on this connection. Other processes write it meanwhile: the caller checks
  // what it got.
  Result<void> copy_wal_index(MutableBytes out);

  // Takes all of the wal-index out of our resident memory but its header. It stays with the system, and comes back page
  // by page as it is used: a fault maps whatever is cached around it, which is all 32 KB of it when SQLite opens it.
  void release_wal_index();

  // Bytes of the database file; short only at its end.
  Result<std::size_t> read_file(std::uint64_t offset, MutableBytes out);
  Result<std::uint64_t> file_size();

 private:
  explicit Connection(sqlite3* db, std::string path, Gate* gate) noexcept
      : db_(db), path_(std::move(path)), gate_(gate) {}
  Result<void> check_gate(std::string_view operation);
  Result<sqlite3_file*> file();
  Error error(int code, std::string_view what);
  sqlite3* db_ = nullptr;
  std::string path_;
  Gate* gate_ = nullptr;
};

// See replica::economise_sqlite().
bool allocate_pages_singly();

// Version of the SQLite library in use, and whether it still has the WAL-reset bug (fixed in 3.51.3, 3.50.7, 3.44.6).
std::string sqlite_version();
bool sqlite_has_wal_reset_bug();

}  // namespace replica::io

#include "io/sqlite.hpp"

#include <sqlite3.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "io/file.hpp"

namespace replica::io {
namespace {

constexpr int kRegionSize = 32768;  // one wal-index block; region 0 starts with the header

Errc code_of(int rc) {
  switch (rc & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return Errc::busy;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
      return Errc::permission_denied;
    case SQLITE_FULL:
      return Errc::no_space;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Errc::corrupt;
    case SQLITE_INTERRUPT:
      return Errc::cancelled;
    default:
      return Errc::io;
  }
}

// Copies shared memory that other processes write, word by word and atomically, so that the compiler
// neither merges nor repeats the reads.
void copy_shared(const volatile void* from, std::byte* to, std::size_t size) {
  auto* words = static_cast<const volatile std::uint32_t*>(from);
  for (std::size_t i = 0; i < size / 4; ++i) {
    const std::uint32_t word = words[i];
    std::memcpy(to + 4 * i, &word, 4);
  }
}

}  // namespace

Result<Connection> Connection::open(const std::string& path, const ConnectionOptions& options) {
  if (options.gate) {
    if (auto refused = options.gate->before("open", path)) return Failure(std::move(*refused));
  }
  sqlite3* db = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (options.create ? SQLITE_OPEN_CREATE : 0);
  const int rc = sqlite3_open_v2(path.c_str(), &db, flags, nullptr);
  Connection connection(db, path, options.gate);
  if (rc != SQLITE_OK) return Failure(connection.error(rc, "open database"));
  sqlite3_db_config(db, SQLITE_DBCONFIG_LOOKASIDE, nullptr, 0, 0);
  sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_wal_autocheckpoint(db, 0);
  connection.set_busy_timeout(options.busy_timeout);
  // Not by a PRAGMA: that would read the schema, which takes memory for as long as the connection lives.
  sqlite3_int64 no_mmap = 0;
  sqlite3_file_control(db, "main", SQLITE_FCNTL_MMAP_SIZE, &no_mmap);
  return connection;
}

Connection::Connection(Connection&& other) noexcept
    : db_(std::exchange(other.db_, nullptr)), path_(std::move(other.path_)), gate_(other.gate_) {}

Connection& Connection::operator=(Connection&& other) noexcept {
  std::swap(db_, other.db_);
  std::swap(path_, other.path_);
  std::swap(gate_, other.gate_);
  return *this;
}

Connection::~Connection() { sqlite3_close_v2(db_); }

Error Connection::error(int code, std::string_view what) {
  const char* text = db_ ? sqlite3_errmsg(db_) : sqlite3_errstr(code);
  // SQLite says "unable to open database file" of it, as of one that may not be read.
  const int cause = db_ && (code & 0xff) == SQLITE_CANTOPEN ? sqlite3_system_errno(db_) : 0;
  if (cause == EMFILE || cause == ENFILE) return errno_error(cause, what, path_);
  return Error{code_of(code), std::string(what) + " " + path_ + ": " + text};
}

Result<void> Connection::check_gate(std::string_view operation) {
  if (!gate_) return {};
  if (auto refused = gate_->before(operation, path_)) return Failure(std::move(*refused));
  return {};
}

void Connection::set_busy_timeout(std::chrono::milliseconds timeout) {
  sqlite3_busy_timeout(db_, static_cast<int>(timeout.count()));
}

void Connection::checkpoint_on_close() { sqlite3_db_config(db_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr); }

Result<void> Connection::execute(const char* sql) {
  if (auto r = check_gate("sql"); !r) return r;
  const int rc = sqlite3_exec(db_, sql, nullptr, nullptr, nullptr);
  if (rc != SQLITE_OK) return Failure(error(rc, sql));
  return {};
}

Result<std::string> Connection::query_text(const char* sql) {
  if (auto r = check_gate("sql"); !r) return pass(r);
  sqlite3_stmt* raw = nullptr;
  if (const int rc = sqlite3_prepare_v2(db_, sql, -1, &raw, nullptr); rc != SQLITE_OK) return Failure(error(rc, sql));
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(raw, sqlite3_finalize);
  const int rc = sqlite3_step(raw);
  if (rc == SQLITE_DONE) return std::string();
  if (rc != SQLITE_ROW) return Failure(error(rc, sql));
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(raw, 0));
  return std::string(text ? text : "");
}

Result<void> Connection::begin_read() {
  // schema_version reads the database header inside a transaction and parses no schema: cheap in time and memory.
  if (auto r = execute("BEGIN"); !r) return r;
  if (auto r = query_text("PRAGMA schema_version"); !r) {
    sqlite3_exec(db_, "ROLLBACK", nullptr, nullptr, nullptr);
    return pass(r, "begin read transaction");
  }
  return {};
}

Result<void> Connection::end_read() { return execute("ROLLBACK"); }

Result<void> Connection::begin_write() { return execute("BEGIN IMMEDIATE"); }

Result<void> Connection::end_write() { return execute("ROLLBACK"); }

Result<bool> Connection::checkpoint_passive() {
  if (auto r = check_gate("checkpoint"); !r) return pass(r);
  const int rc = sqlite3_wal_checkpoint_v2(db_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  if (rc != SQLITE_OK && code_of(rc) != Errc::busy) return Failure(error(rc, "checkpoint"));
  return rc == SQLITE_OK;
}

Result<bool> Connection::truncate_log() {
  if (auto r = check_gate("checkpoint"); !r) return pass(r);
  const int rc = sqlite3_wal_checkpoint_v2(db_, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  if (rc != SQLITE_OK && code_of(rc) != Errc::busy) return Failure(error(rc, "truncate the log of"));
  return rc == SQLITE_OK;
}

Result<sqlite3_file*> Connection::file() {
  sqlite3_file* file = nullptr;
  const int rc = sqlite3_file_control(db_, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  if (rc != SQLITE_OK || !file || !file->pMethods) return Failure(error(rc, "find file handle of"));
  return file;
}

Result<void> Connection::copy_wal_index(MutableBytes out) {
  auto handle = file();
  if (!handle) return pass(handle);
  if ((*handle)->pMethods->iVersion < 2 || !(*handle)->pMethods->xShmMap) {
    return fail(Errc::unsupported, "no shared memory for " + path_,
                "the file system must support mmap of the -shm file");
  }
  volatile void* region = nullptr;
  const int rc = (*handle)->pMethods->xShmMap(*handle, 0, kRegionSize, 0, &region);
  if (rc != SQLITE_OK || !region) return Failure(error(rc, "map wal-index of"));
  copy_shared(region, out.data(), out.size());
  return {};
}

void Connection::release_wal_index() {
  // Another VFS may keep it in memory of its own, which would be lost.
  const sqlite3_vfs* vfs = sqlite3_vfs_find(nullptr);
  if (vfs == nullptr || std::string_view(vfs->zName) != "unix") return;
  auto handle = file();
  if (!handle || (*handle)->pMethods->iVersion < 2 || !(*handle)->pMethods->xShmMap) return;
  volatile void* region = nullptr;
  if ((*handle)->pMethods->xShmMap(*handle, 0, kRegionSize, 0, &region) != SQLITE_OK || !region) return;
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  auto* start = static_cast<std::byte*>(const_cast<void*>(region));
  if (reinterpret_cast<std::uintptr_t>(start) % page != 0 || page >= kRegionSize) return;
  ::madvise(start + page, kRegionSize - page, MADV_DONTNEED);
}

Result<std::size_t> Connection::read_file(std::uint64_t offset, MutableBytes out) {
  if (auto r = check_gate("read"); !r) return pass(r);
  auto handle = file();
  if (!handle) return pass(handle);
  sqlite3_int64 size = 0;
  if (const int rc = (*handle)->pMethods->xFileSize(*handle, &size); rc != SQLITE_OK) return Failure(error(rc, "stat"));
  const auto total = static_cast<std::uint64_t>(size);
  if (offset >= total) return std::size_t{0};
  const auto amount = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), total - offset));
  const int rc =
      (*handle)->pMethods->xRead(*handle, out.data(), static_cast<int>(amount), static_cast<sqlite3_int64>(offset));
  if (rc != SQLITE_OK && rc != SQLITE_IOERR_SHORT_READ) return Failure(error(rc, "read"));
  return amount;
}

Result<std::uint64_t> Connection::file_size() {
  auto handle = file();
  if (!handle) return pass(handle);
  sqlite3_int64 size = 0;
  if (const int rc = (*handle)->pMethods->xFileSize(*handle, &size); rc != SQLITE_OK) return Failure(error(rc, "stat"));
  return static_cast<std::uint64_t>(size);
}

bool allocate_pages_singly() { return sqlite3_config(SQLITE_CONFIG_PAGECACHE, nullptr, 0, 0) == SQLITE_OK; }

std::string sqlite_version() { return sqlite3_libversion(); }

bool sqlite_has_wal_reset_bug() {
  const int v = sqlite3_libversion_number();
  if (v >= 3051003 || v < 3007000) return false;
  return !(v >= 3050007 && v < 3051000) && !(v >= 3044006 && v < 3045000);
}

}  // namespace replica::io

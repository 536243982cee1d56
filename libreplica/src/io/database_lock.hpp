// SQLite's locks on a database file (https://www.sqlite.org/lockingv3.html), taken on the same bytes. They belong to
// the open file description: SQLite keeps out in other processes and in this one alike, and closing the file elsewhere
// in this process does not drop them.
#pragma once

#include "io/file.hpp"

namespace replica::io {

// One thread at a time.
class DatabaseLock {
 public:
  // `file` is open for writing and must outlive the lock.
  explicit DatabaseLock(const File& file, Gate* gate = nullptr) noexcept : file_(&file), gate_(gate) {}
  DatabaseLock(const DatabaseLock&) = delete;
  DatabaseLock& operator=(const DatabaseLock&) = delete;
  ~DatabaseLock() { release(); }

  // SQLite's RESERVED: nobody else writes, readers go on. False: somebody writes or rolls back; nothing is held then.
  Result<bool> try_reserve();
  // SQLite's EXCLUSIVE, after try_reserve(): nobody reads either. False: somebody still reads; those who come after
  // this call wait already (PENDING).
  Result<bool> try_exclude();
  void release() noexcept;

 private:
  Result<bool> set(short type, std::int64_t first, std::int64_t count);
  const File* file_;
  Gate* gate_;
};

}  // namespace replica::io

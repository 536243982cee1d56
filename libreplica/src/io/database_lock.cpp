#include "io/database_lock.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "io/system.hpp"

namespace replica::io {
namespace {

constexpr std::int64_t kPending = 0x40000000;
constexpr std::int64_t kReserved = kPending + 1;
constexpr std::int64_t kShared = kPending + 2;
constexpr std::int64_t kSharedBytes = 510;

struct flock bytes(short type, std::int64_t first, std::int64_t count) {
  struct flock lock{};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = first;
  lock.l_len = count;
  return lock;
}

}  // namespace

Result<bool> DatabaseLock::set(short type, std::int64_t first, std::int64_t count) {
  if (auto asked = ask(gate_, "lock", file_->path()); !asked) return pass(asked);
  struct flock lock = bytes(type, first, count);
  const int code = again([&] { return ::fcntl(file_->descriptor(), F_OFD_SETLK, &lock); });
  if (code == EAGAIN || code == EACCES) return false;
  if (code != 0) return Failure(errno_error(code, "lock", file_->path()));
  return true;
}

// As SQLite comes to it: a reader first, so that nobody can be rolling back a journal, then the writer among readers.
Result<bool> DatabaseLock::try_reserve() {
  const std::pair<short, std::pair<std::int64_t, std::int64_t>> steps[] = {{F_RDLCK, {kPending, 1}},
                                                                           {F_RDLCK, {kShared, kSharedBytes}},
                                                                           {F_UNLCK, {kPending, 1}},
                                                                           {F_WRLCK, {kReserved, 1}}};
  for (const auto& [type, range] : steps) {
    auto taken = set(type, range.first, range.second);
    if (taken && *taken) continue;
    release();
    return taken;
  }
  return true;
}

Result<bool> DatabaseLock::try_exclude() {
  auto pending = set(F_WRLCK, kPending, 1);
  if (!pending || !*pending) return pending;
  return set(F_WRLCK, kShared, kSharedBytes);
}

void DatabaseLock::release() noexcept {
  struct flock lock = bytes(F_UNLCK, kPending, kShared + kSharedBytes - kPending);
  static_cast<void>(again([&] { return ::fcntl(file_->descriptor(), F_OFD_SETLK, &lock); }));
}

}  // namespace replica::io

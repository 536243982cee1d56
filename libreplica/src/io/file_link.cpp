// A second name in the place of a copy: for files that nobody writes any more.
#include <fcntl.h>
#include <unistd.h>

#include "io/system.hpp"

namespace replica::io {
namespace {

// Two file systems, one without links, another user's file, as many links as there may be, no /proc, a file without a
// name, a directory that is missing, a name that is taken.
bool cannot(int code) {
  return code == EXDEV || code == EOPNOTSUPP || code == ENOSYS || code == EINVAL || code == EPERM || code == EACCES ||
         code == EMLINK || code == ENOENT || code == ENOTDIR || code == ELOOP || code == EEXIST;
}

// What own_like would make of a file of ours: who may not give files away keeps them.
bool is_owned_like(const FileInfo& info, const FileInfo& like) {
  const uid_t we = ::geteuid();
  const bool as_given = info.uid == like.uid && info.gid == like.gid;
  return info.mode == like.mode && (as_given || (we != 0 && info.uid == we));
}

}  // namespace

// By the descriptor: the name may be another file's by now.
Result<bool> File::link_to(const std::string& path) const {
  if (auto asked = ask(gate_, "link", path); !asked) return pass(asked);
  const std::string self = "/proc/self/fd/" + std::to_string(fd_);
  const int code = again([&] { return ::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW); });
  if (cannot(code)) return false;
  if (code != 0) return Failure(errno_error(code, "link to", path));
  return true;
}

Result<bool> FileSource::appear_as(const std::string& path, const FileInfo* like, Timestamp modified_at) {
  if (may_ == May::be_copied || offset_ != 0) return false;
  auto info = file_.info();
  if (!info) return pass(info);
  if (info->size != size_) return false;
  const auto directory = stat_path(parent_of(path));
  if (!directory || directory->device != info->device) return false;
  auto ready = make_like(*info, like, modified_at);
  if (!ready || !*ready) return ready;
  return file_.link_to(path);
}

Result<bool> FileSource::make_like(const FileInfo& info, const FileInfo* like, Timestamp modified_at) {
  constexpr mode_t kOurs = 0600;
  if (may_ == May::be_linked) {
    const bool owned = like != nullptr ? is_owned_like(info, *like) : info.mode == kOurs;
    return owned && info.modified_at == modified_at;
  }
  if (like == nullptr && info.mode != kOurs) return false;
  if (like != nullptr) {
    if (auto owned = file_.own_like(*like); !owned) return pass(owned);
  }
  if (auto set = file_.set_modified_at(modified_at); !set) return pass(set);
  if (auto synced = file_.sync(); !synced) return pass(synced);
  return true;
}

}  // namespace replica::io

#include "io/directory.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "io/system.hpp"

namespace replica::io {
namespace {

DIR* as_stream(void* stream) { return static_cast<DIR*>(stream); }

// Kept out of File::open, which is for files: a descriptor to sync or to own a directory by.
class DirectoryDescriptor {
 public:
  static Result<DirectoryDescriptor> open(const std::string& path, std::string_view what) {
    DirectoryDescriptor made;
    const int code = again([&] { return made.fd_ = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
    if (code != 0) return Failure(errno_error(code, what, path));
    return made;
  }
  DirectoryDescriptor(DirectoryDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  DirectoryDescriptor& operator=(DirectoryDescriptor&&) = delete;
  ~DirectoryDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const noexcept { return fd_; }

 private:
  DirectoryDescriptor() = default;
  int fd_ = -1;
};

// False when it was there already.
Result<bool> make_one(const std::string& path, Gate* gate, const FileInfo* like) {
  if (auto asked = ask(gate, "mkdir", path); !asked) return pass(asked);
  const int code = again([&] { return ::mkdir(path.c_str(), like != nullptr ? 0700 : 0755); });
  if (code == EEXIST) {
    auto info = stat_path(path);
    if (!info) return pass(info);
    if (!info->is_directory) return Failure(errno_error(ENOTDIR, "make directory", path));
    return false;
  }
  if (code != 0) return Failure(errno_error(code, "make directory", path));
  if (like != nullptr) {
    auto made = DirectoryDescriptor::open(path, "make directory");
    if (!made) return pass(made);
    if (auto owned = own_descriptor_like(made->get(), *like, path); !owned) return pass(owned);
  }
  return true;
}

}  // namespace

std::string parent_of(const std::string& path) {
  const std::size_t end = path.find_last_not_of('/');
  if (end == std::string::npos) return path.empty() ? "." : "/";
  const std::size_t slash = path.rfind('/', end);
  if (slash == std::string::npos) return ".";
  const std::size_t last = path.find_last_not_of('/', slash);
  return last == std::string::npos ? "/" : path.substr(0, last + 1);
}

Result<bool> make_directory(const std::string& path, Gate* gate, const FileInfo* like) {
  if (auto info = stat_path(path); info && info->is_directory) return false;
  return make_one(path, gate, like);
}

Result<bool> make_directories(const std::string& path, Gate* gate, const FileInfo* like) {
  if (auto info = stat_path(path); info && info->is_directory) return false;
  const std::string parent = parent_of(path);
  if (parent != path) {
    if (auto made = make_directories(parent, gate, like); !made) return made;
  }
  auto made = make_one(path, gate, like);
  if (!made || !*made) return made;
  if (auto synced = sync_directory(parent, gate); !synced) return pass(synced);
  return true;
}

Result<std::uint64_t> free_space(const std::string& directory) {
  struct statvfs system{};
  if (const int code = again([&] { return ::statvfs(directory.c_str(), &system); }); code != 0) {
    return Failure(errno_error(code, "find free space", directory));
  }
  return std::uint64_t{system.f_bavail} * system.f_frsize;
}

long process_id() noexcept { return ::getpid(); }

Result<void> sync_directory(const std::string& path, Gate* gate) {
  if (auto asked = ask(gate, "sync_dir", path); !asked) return pass(asked);
  auto directory = DirectoryDescriptor::open(path, "sync directory");
  if (!directory) return pass(directory);
  const int code = again([&] { return ::fsync(directory->get()); });
  if (code != 0 && code != EINVAL && code != EOPNOTSUPP) return Failure(errno_error(code, "sync directory", path));
  return {};
}

Result<void> rename_file(const std::string& from, const std::string& to, Gate* gate) {
  if (auto asked = ask(gate, "rename", to); !asked) return pass(asked);
  const int code = again([&] { return std::rename(from.c_str(), to.c_str()); });
  if (code != 0) return Failure(errno_error(code, "rename to", to));
  return {};
}

namespace {

bool are_one_file(const std::string& a, const std::string& b) {
  const auto one = stat_path(a), other = stat_path(b);
  return one && other && one->device == other->device && one->inode == other->inode;
}

}  // namespace

Result<void> rename_new(const std::string& from, const std::string& to, Gate* gate) {
  if (auto asked = ask(gate, "rename", to); !asked) return pass(asked);
  int code = again([&] { return ::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE); });
  if (code == 0) return {};
  if (code != EINVAL && code != ENOSYS) return Failure(errno_error(code, "rename to", to));
  // File systems without that flag (NFS) decide just as well by a hard link.
  code = again([&] { return ::link(from.c_str(), to.c_str()); });
  // An NFS server that was asked twice, its first answer being lost, says so of our own link.
  if (code == EEXIST && are_one_file(from, to)) code = 0;
  if (code == EPERM || code == EOPNOTSUPP || code == ENOSYS)
    return fail(Errc::unsupported, "link to " + to + ": the file system has neither exclusive renames nor hard links");
  if (code != 0) return Failure(errno_error(code, "link to", to));
  return remove_file(from, gate);
}

Result<void> remove_file(const std::string& path, Gate* gate) {
  if (auto asked = ask(gate, "remove", path); !asked) return pass(asked);
  const int code = again([&] { return ::unlink(path.c_str()); });
  if (code != 0 && code != ENOENT && code != ENOTDIR) return Failure(errno_error(code, "remove", path));
  return {};
}

Result<std::vector<std::string>> list_directory(const std::string& path, Gate* gate) {
  std::vector<std::string> names;
  auto directory = Directory::open(path, gate);
  if (!directory) return pass(directory);
  if (!*directory) return names;
  auto entries = (*directory)->entries();
  if (!entries) return pass(entries);
  for (auto& entry : *entries) names.push_back(std::move(entry.name));
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::optional<Directory>> Directory::open(const std::string& path, Gate* gate) {
  if (auto asked = ask(gate, "list", path); !asked) return pass(asked);
  int fd = -1;
  const int code = again([&] { return fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (code == ENOENT || code == ENOTDIR) return std::nullopt;
  if (code != 0) return Failure(errno_error(code, "list", path));
  DIR* stream = ::fdopendir(fd);
  if (stream == nullptr) {
    const int reason = errno;
    ::close(fd);
    return Failure(errno_error(reason, "list", path));
  }
  return Directory(stream, path, gate);
}

Directory::Directory(Directory&& other) noexcept
    : stream_(std::exchange(other.stream_, nullptr)), path_(std::move(other.path_)), gate_(other.gate_) {}

Directory::~Directory() {
  if (stream_ != nullptr) ::closedir(as_stream(stream_));
}

Result<std::vector<Directory::Entry>> Directory::entries() {
  std::vector<Entry> found;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(as_stream(stream_));
    if (entry == nullptr && errno != 0) return Failure(errno_error(errno, "list", path_));
    if (entry == nullptr) return found;
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    const Kind kind = entry->d_type == DT_REG ? Kind::file : entry->d_type == DT_DIR ? Kind::directory : Kind::unknown;
    found.push_back({std::string(name), kind});
  }
}

Result<std::optional<FileInfo>> Directory::info(const std::string& name) const {
  struct stat status{};
  const int flags = name.empty() ? AT_EMPTY_PATH : 0;
  const int code = again([&] { return ::fstatat(::dirfd(as_stream(stream_)), name.c_str(), &status, flags); });
  // ELOOP: a link in a circle, which leads to nothing either.
  if (code == ENOENT || code == ENOTDIR || code == ELOOP) return std::nullopt;
  if (code != 0) return Failure(errno_error(code, "stat", path_ + "/" + name));
  return info_of(status);
}

Result<void> remove_empty_directories(const std::string& path, Gate* gate) {
  auto directory = Directory::open(path, gate);
  if (!directory) return pass(directory);
  if (!*directory) return {};
  auto entries = (*directory)->entries();
  if (!entries) return pass(entries);
  for (const auto& entry : *entries) {
    if (entry.kind == Directory::Kind::file) continue;
    struct stat info{};
    const std::string below = path + "/" + entry.name;
    if (::lstat(below.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) continue;
    if (auto removed = remove_empty_directories(below, gate); !removed) return removed;
  }
  if (auto asked = ask(gate, "remove", path); !asked) return asked;
  const int code = ::rmdir(path.c_str()) == 0 ? 0 : errno;
  if (code == 0 || code == ENOENT || code == ENOTEMPTY || code == EEXIST) return {};
  return Failure(errno_error(code, "remove", path));
}

}  // namespace replica::io

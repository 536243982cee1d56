#include "io/file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <system_error>
#include <utility>

#include "io/system.hpp"

namespace replica::io {
namespace {

int flags_of(File::Mode mode) {
  switch (mode) {
    case File::Mode::read:
      return O_RDONLY;
    case File::Mode::create_new:
      return O_RDWR | O_CREAT | O_EXCL;
    case File::Mode::create_or_truncate:
      return O_RDWR | O_CREAT | O_TRUNC;
    case File::Mode::read_write:
      return O_RDWR | O_CREAT;
  }
  return O_RDONLY;
}

Errc errc_of(int code) {
  switch (code) {
    case ENOENT:
    case ENOTDIR:
      return Errc::not_found;
    case EEXIST:
      return Errc::already_exists;
    case EACCES:
    case EPERM:
    case EROFS:
      return Errc::permission_denied;
    case ENOSPC:
    case EDQUOT:
      return Errc::no_space;
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
      return Errc::invalid_argument;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ESTALE:
      return Errc::unavailable;
    case EAGAIN:
    case EBUSY:
    case ETXTBSY:
      return Errc::busy;
    case ETIMEDOUT:
      return Errc::timed_out;
    case EOPNOTSUPP:
    case ENOSYS:
      return Errc::unsupported;
    default:
      return Errc::io;
  }
}

std::string hint_of(int code) {
  switch (code) {
    case ENOSPC:
      return "free space on that file system";
    case EDQUOT:
      return "the disk quota of the daemon's user is used up";
    case EACCES:
    case EPERM:
      return "check owner and mode of the file and of the directories above it";
    case EROFS:
      return "the file system is mounted read-only";
    case EMFILE:
    case ENFILE:
      return "raise the limit of open files";
    default:
      return {};
  }
}

}  // namespace

Error errno_error(int code, std::string_view what, std::string_view path) {
  std::string text = std::generic_category().message(code);
  if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  std::string message(what);
  message.append(" ").append(path).append(": ").append(text);
  return Error{.code = errc_of(code), .message = std::move(message), .hint = hint_of(code)};
}

FileInfo info_of(const struct stat& from) {
  using namespace std::chrono;
  const auto time = [](const timespec& t) {
    return Timestamp(floor<milliseconds>(seconds(t.tv_sec) + nanoseconds(t.tv_nsec)));
  };
  return FileInfo{.device = from.st_dev,
                  .inode = from.st_ino,
                  .size = static_cast<std::uint64_t>(from.st_size),
                  .modified_at = time(from.st_mtim),
                  .changed_at = time(from.st_ctim),
                  .mode = from.st_mode & 07777U,
                  .uid = from.st_uid,
                  .gid = from.st_gid,
                  .is_directory = S_ISDIR(from.st_mode),
                  .is_regular = S_ISREG(from.st_mode)};
}

Result<void> own_descriptor_like(int fd, const FileInfo& model, const std::string& path) {
  const auto refused = [](int code) { return code == EPERM || code == EINVAL || code == EOPNOTSUPP; };
  // Owner first: a change of owner may clear bits of the mode. Without the right to give files away the group may still
  // be one of ours.
  if (const int code = again([&] { return ::fchown(fd, model.uid, model.gid); })) {
    if (!refused(code)) return Failure(errno_error(code, "set owner of", path));
    const int group = again([&] { return ::fchown(fd, static_cast<uid_t>(-1), model.gid); });
    if (group != 0 && !refused(group)) return Failure(errno_error(group, "set group of", path));
  }
  // Where the file system knows no modes it stays as it was made: for its owner only.
  const int code = again([&] { return ::fchmod(fd, model.mode); });
  if (code != 0 && !refused(code)) return Failure(errno_error(code, "set mode of", path));
  return {};
}

Result<FileInfo> stat_path(const std::string& path) {
  struct stat status{};
  if (const int code = again([&] { return ::stat(path.c_str(), &status); })) {
    return Failure(errno_error(code, "stat", path));
  }
  return info_of(status);
}

Result<File> File::open(const std::string& path, Mode mode, Gate* gate, mode_t permissions) {
  if (auto asked = ask(gate, "open", path); !asked) return pass(asked);
  File file;
  const int code = again([&] { return file.fd_ = ::open(path.c_str(), flags_of(mode) | O_CLOEXEC, permissions); });
  if (code != 0) return Failure(errno_error(code, mode == Mode::read ? "open" : "create", path));
  file.path_ = path;
  file.gate_ = gate;
  return file;
}

File::File(File&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      position_(other.position_),
      written_back_(other.written_back_),
      path_(std::move(other.path_)),
      gate_(other.gate_) {}

File& File::operator=(File&& other) noexcept {
  if (this == &other) return *this;
  close();
  fd_ = std::exchange(other.fd_, -1);
  position_ = other.position_;
  written_back_ = other.written_back_;
  path_ = std::move(other.path_);
  gate_ = other.gate_;
  return *this;
}

File::~File() { close(); }

// Not tried again on EINTR: Linux has freed the descriptor by then, and the number may be somebody else's already.
void File::close() noexcept {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Result<std::size_t> File::read_at(std::uint64_t offset, MutableBytes out) const {
  if (auto asked = ask(gate_, "read", path_); !asked) return pass(asked);
  std::size_t done = 0;
  while (done < out.size()) {
    ssize_t got = 0;
    const int code = again(
        [&] { return got = ::pread(fd_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done)); });
    if (code != 0) return Failure(errno_error(code, "read", path_));
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

Result<void> File::read_exactly_at(std::uint64_t offset, MutableBytes out) const {
  auto got = read_at(offset, out);
  if (!got) return pass(got);
  if (*got < out.size()) return fail(Errc::corrupt, "read " + path_ + ": unexpected end of file");
  return {};
}

Result<void> File::write_at(std::uint64_t offset, Bytes data) {
  if (auto asked = ask(gate_, "write", path_); !asked) return pass(asked);
  while (!data.empty()) {
    ssize_t put = 0;
    const int code = again([&] { return put = ::pwrite(fd_, data.data(), data.size(), static_cast<off_t>(offset)); });
    if (code != 0) return Failure(errno_error(code, "write", path_));
    offset += static_cast<std::uint64_t>(put);
    data = data.subspan(static_cast<std::size_t>(put));
  }
  return {};
}

Result<void> File::append(Bytes data) {
  if (auto written = write_at(position_, data); !written) return pass(written);
  position_ += data.size();
  return {};
}

Result<void> File::truncate(std::uint64_t size) {
  if (auto asked = ask(gate_, "truncate", path_); !asked) return pass(asked);
  const int code = again([&] { return ::ftruncate(fd_, static_cast<off_t>(size)); });
  if (code != 0) return Failure(errno_error(code, "truncate", path_));
  return {};
}

void File::begin_write_back() noexcept {
  const std::uint64_t from = std::exchange(written_back_, position_);
#if defined(SYNC_FILE_RANGE_WRITE)
  ::sync_file_range(fd_, static_cast<off_t>(from), static_cast<off_t>(position_ - from), SYNC_FILE_RANGE_WRITE);
#else
  static_cast<void>(from);
#endif
}

Result<void> File::sync() {
  if (auto asked = ask(gate_, "sync", path_); !asked) return pass(asked);
  const int code = again([&] { return ::fsync(fd_); });
  if (code != 0) return Failure(errno_error(code, "sync", path_));
  return {};
}

Result<FileInfo> File::info() const {
  struct stat status{};
  if (const int code = again([&] { return ::fstat(fd_, &status); })) return Failure(errno_error(code, "stat", path_));
  return info_of(status);
}

Result<void> File::set_modified_at(Timestamp time) {
  if (auto asked = ask(gate_, "set_time", path_); !asked) return pass(asked);
  using namespace std::chrono;
  const auto whole = floor<seconds>(time);
  const timespec at{.tv_sec = whole.time_since_epoch().count(), .tv_nsec = nanoseconds(time - whole).count()};
  const timespec times[2] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT}, at};
  const int code = again([&] { return ::futimens(fd_, times); });
  if (code != 0) return Failure(errno_error(code, "set time of", path_));
  return {};
}

Result<void> File::own_like(const FileInfo& model) {
  if (auto asked = ask(gate_, "set_owner", path_); !asked) return pass(asked);
  return own_descriptor_like(fd_, model, path_);
}

Result<bool> File::try_lock_exclusive() {
  if (auto asked = ask(gate_, "lock", path_); !asked) return pass(asked);
  const int code = again([&] { return ::flock(fd_, LOCK_EX | LOCK_NB); });
  if (code == EWOULDBLOCK) return false;
  if (code != 0) return Failure(errno_error(code, "lock", path_));
  return true;
}

Result<FileSource> FileSource::open(const std::string& path, Gate* gate, May may) {
  auto file = File::open(path, File::Mode::read, gate);
  if (!file) return pass(file);
  auto info = file->info();
  if (!info) return pass(info);
  if (!info->is_regular) return fail(Errc::invalid_argument, "open " + path + ": not a regular file");
  return FileSource(std::move(*file), info->size, may);
}

Result<std::size_t> FileSource::read(MutableBytes out) {
  const std::uint64_t left = size_ - offset_;
  auto got = file_.read_at(offset_, out.first(static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), left))));
  if (got) offset_ += *got;
  return got;
}

Result<void> FileSource::rewind() {
  offset_ = 0;
  return {};
}

}  // namespace replica::io

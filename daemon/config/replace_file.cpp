#include "config/replace_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace config {

using replica::Errc;
using replica::fail;
using replica::Result;

namespace {

replica::Failure failed(const std::string& what, const std::string& path) {
  const Errc code = errno == EACCES || errno == EPERM || errno == EROFS ? Errc::permission_denied
                    : errno == ENOSPC || errno == EDQUOT                ? Errc::no_space
                                                                        : Errc::io;
  return fail(code, what + " " + path + ": " + std::strerror(errno));
}

// A descriptor and the name of a file that is not finished.
class Unfinished {
 public:
  Unfinished(std::string path, mode_t mode)
      : path_(std::move(path)), fd_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)) {}
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  ~Unfinished() {
    if (fd_ < 0) return;
    ::close(fd_);
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  Result<void> fill(const std::string& text, const struct stat& model) {
    if (fd_ < 0) return failed("create", path_);
    if (::fchown(fd_, model.st_uid, model.st_gid) != 0 && errno != EPERM) return failed("set owner of", path_);
    if (::fchmod(fd_, model.st_mode & 07777U) != 0) return failed("set mode of", path_);
    for (std::size_t done = 0; done < text.size();) {
      const ssize_t n = ::write(fd_, text.data() + done, text.size() - done);
      if (n < 0 && errno != EINTR) return failed("write", path_);
      if (n > 0) done += static_cast<std::size_t>(n);
    }
    if (::fsync(fd_) != 0) return failed("sync", path_);
    return {};
  }

  Result<void> rename_to(const std::string& path) {
    if (::rename(path_.c_str(), path.c_str()) != 0) return failed("replace", path);
    path_.clear();
    return {};
  }

 private:
  std::string path_;
  int fd_;
};

Result<void> sync_directory(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return failed("open", path);
  const int synced = ::fsync(fd);
  const int error = errno;
  ::close(fd);
  errno = error;
  return synced == 0 ? Result<void>() : failed("sync", path);
}

}  // namespace

Result<std::string> read_file(const std::string& path) {
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in && errno == ENOENT) return fail(Errc::not_found, "config file not found: " + path);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in) return fail(Errc::io, "read config file " + path + ": " + std::strerror(errno == 0 ? EIO : errno));
  return text;
}

Result<void> replace_file(const std::string& path, const std::string& text) {
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(path, error);
  struct stat model{};
  if (error || ::stat(real.c_str(), &model) != 0) return failed("look at", path);
  Unfinished file(real.string() + "." + std::to_string(::getpid()) + ".tmp", 0600);
  if (auto r = file.fill(text, model); !r) return r;
  if (auto r = file.rename_to(real); !r) return r;
  return sync_directory(real.parent_path());
}

}  // namespace config

// Copies that the kernel makes: shared blocks on XFS and btrfs, copies inside the server on NFS and SMB, else pages
// that need not come up to us.
#include <unistd.h>

#include <algorithm>

#include "io/system.hpp"

namespace replica::io {
namespace {

// Two file systems, one that cannot, an old kernel, a sandbox.
bool cannot(int code) {
  return code == EXDEV || code == EOPNOTSUPP || code == ENOSYS || code == EINVAL || code == EPERM;
}

}  // namespace

Result<std::uint64_t> File::append_from(const File& other, std::uint64_t offset, std::uint64_t at_most) {
  if (auto asked = ask(gate_, "write", path_); !asked) return pass(asked);
  auto from = static_cast<off_t>(offset), to = static_cast<off_t>(position_);
  ssize_t copied = 0;
  const int code = again(
      [&] { return copied = ::copy_file_range(other.fd_, &from, fd_, &to, static_cast<std::size_t>(at_most), 0); });
  if (cannot(code)) return 0U;
  if (code != 0) return Failure(errno_error(code, "write", path_));
  position_ += static_cast<std::uint64_t>(copied);
  return static_cast<std::uint64_t>(copied);
}

Result<std::uint64_t> FileSource::copy_to(File& out, std::uint64_t at_most) {
  auto copied = out.append_from(file_, offset_, std::min(at_most, size_ - offset_));
  if (copied) offset_ += *copied;
  return copied;
}

Result<std::uint64_t> AtomicFile::write_from(FileSource& source, std::uint64_t at_most) {
  if (auto flushed = flush(); !flushed) return pass(flushed);
  auto copied = source.copy_to(file_, at_most);
  failed_ = failed_ || !copied;
  return copied;
}

}  // namespace replica::io

#include "io/file_stamp.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <ctime>

#include "io/file.hpp"

namespace replica::io {
namespace {

constexpr std::int64_t kMillisecond = 1'000'000;

std::int64_t nanoseconds(const timespec& time) { return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; }

// The first 64 bits of a random UUID: "f3a1c2d4-5b6e-4f70-…".
std::uint64_t read_boot_identity() {
  auto file = File::open("/proc/sys/kernel/random/boot_id", File::Mode::read);
  std::array<std::byte, 64> bytes{};
  const auto size = file ? file->read_at(0, bytes) : Result<std::size_t>(std::size_t{0});
  if (!size) return 0;
  std::string text(reinterpret_cast<const char*>(bytes.data()), *size);
  std::erase(text, '-');
  std::uint64_t identity = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + std::min<std::size_t>(text.size(), 16), identity, 16);
  return error == std::errc() && end == text.data() + 16 ? identity : 0;
}

}  // namespace

Result<std::optional<FileStamp>> stamp_of(const std::string& path) {
  struct stat status{};
  while (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return std::optional<FileStamp>();
    if (errno != EINTR) return Failure(errno_error(errno, "stat", path));
  }
  return std::optional(FileStamp{.device = status.st_dev,
                                 .inode = status.st_ino,
                                 .size = static_cast<std::uint64_t>(status.st_size),
                                 .modified = nanoseconds(status.st_mtim),
                                 .changed = nanoseconds(status.st_ctim)});
}

bool is_unwritten(const FileStamp& before, const FileStamp& now) {
  FileStamp same = now;
  same.changed = before.changed;
  return same == before;
}

bool is_settled(const FileStamp& stamp, std::int64_t now) {
  const bool fine = stamp.modified % kMillisecond != 0 && stamp.changed % kMillisecond != 0;
  return now - std::max(stamp.modified, stamp.changed) > (fine ? 50 : 2500) * kMillisecond;
}

std::int64_t file_clock() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return nanoseconds(now);
}

std::int64_t clock_lead() {
  constexpr int kAttempts = 5;
  std::int64_t lead = 0;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    timespec before{}, after{};
    ::clock_gettime(CLOCK_BOOTTIME, &before);
    lead = file_clock() - nanoseconds(before);
    ::clock_gettime(CLOCK_BOOTTIME, &after);
    if (nanoseconds(after) - nanoseconds(before) < kMillisecond) break;  // else we were put aside in between
  }
  return lead;
}

std::uint64_t boot_identity() {
  static const std::uint64_t kIdentity = read_boot_identity();
  return kIdentity;
}

}  // namespace replica::io

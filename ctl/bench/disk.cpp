#include "bench/disk.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "bench/noise.hpp"
#include "bench/system_error.hpp"

namespace litestreamctl::bench {

using replica::pass;
using replica::Result;

namespace {

constexpr std::size_t kBlock = 1U << 20U;
constexpr std::size_t kMostSyncs = 300;

// A file that is gone with the object.
class ScratchFile {
 public:
  static Result<ScratchFile> create(std::string path) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return fail_errno(errno, "create", path);
    return ScratchFile(fd, std::move(path));
  }
  ScratchFile(ScratchFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}
  ScratchFile& operator=(ScratchFile&&) = delete;
  ~ScratchFile() {
    if (fd_ < 0) return;
    ::close(fd_);
    ::unlink(path_.c_str());
  }

  Result<void> write_at(std::uint64_t offset, replica::Bytes data) {
    while (!data.empty()) {
      const ssize_t count = ::pwrite(fd_, data.data(), data.size(), static_cast<off_t>(offset));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return fail_errno(errno, "write", path_);
      data = data.subspan(static_cast<std::size_t>(count));
      offset += static_cast<std::uint64_t>(count);
    }
    return {};
  }
  Result<std::size_t> read_at(std::uint64_t offset, replica::MutableBytes out) {
    ssize_t count = 0;
    while ((count = ::pread(fd_, out.data(), out.size(), static_cast<off_t>(offset))) < 0)
      if (errno != EINTR) return fail_errno(errno, "read", path_);
    return static_cast<std::size_t>(count);
  }
  Result<void> sync() {
    if (::fsync(fd_) != 0) return fail_errno(errno, "sync", path_);
    return {};
  }
  Result<void> rename(const std::string& to) {
    if (::rename(path_.c_str(), to.c_str()) != 0) return fail_errno(errno, "rename", path_);
    path_ = to;
    return {};
  }
  // A hint: what is durable need not stay in memory.
  void forget() { ::posix_fadvise(fd_, 0, 0, POSIX_FADV_DONTNEED); }

 private:
  ScratchFile(int fd, std::string path) noexcept : fd_(fd), path_(std::move(path)) {}
  int fd_;
  std::string path_;
};

Result<Spread> measure_syncs(const DiskPlan& plan, const Meter& meter) {
  auto file = ScratchFile::create(plan.directory + "/syncs");
  if (!file) return pass(file);
  std::vector<std::byte> data(kSmall);
  fill_noise(1, 0, data);
  return repeated(meter, {.time = plan.time / 2, .most = kMostSyncs}, [&](std::size_t number) -> Result<void> {
    if (auto written = file->write_at(number * kSmall, data); !written) return written;
    return file->sync();
  });
}

Result<void> sync_directory(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return fail_errno(errno, "open", path);
  const int failure = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  // A file system that cannot sync directories needs none.
  if (failure != 0 && failure != EINVAL && failure != ENOTSUP) return fail_errno(failure, "sync", path);
  return {};
}

Result<Spread> measure_new_files(const DiskPlan& plan, const Meter& meter) {
  std::vector<ScratchFile> files;
  std::vector<std::byte> data(kSmall);
  fill_noise(4, 0, data);
  return repeated(meter, {.time = plan.time / 2, .most = kMostSyncs}, [&](std::size_t number) -> Result<void> {
    const std::string name = plan.directory + "/file-" + std::to_string(number);
    auto file = ScratchFile::create(name + ".tmp");
    if (!file) return pass(file);
    if (auto written = file->write_at(0, data); !written) return written;
    if (auto synced = file->sync(); !synced) return synced;
    if (auto renamed = file->rename(name); !renamed) return renamed;
    files.push_back(std::move(*file));
    return sync_directory(plan.directory);
  });
}

Result<Transfer> write_all(ScratchFile& file, std::uint64_t size, const Meter& meter) {
  std::vector<std::byte> block(kBlock);
  fill_noise(2, 0, block);
  const auto begin = meter.clock.steady();
  for (std::uint64_t offset = 0; offset < size; offset += kBlock) {
    if (auto open = meter.call.check("measure the disk"); !open) return pass(open);
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(kBlock, size - offset));
    if (auto written = file.write_at(offset, replica::Bytes(block).first(count)); !written) return pass(written);
  }
  if (auto synced = file.sync(); !synced) return pass(synced);
  return Transfer{.bytes = size, .ms = meter.since(begin).count()};
}

Result<Transfer> read_all(ScratchFile& file, const Meter& meter) {
  std::vector<std::byte> block(kBlock);
  file.forget();
  const auto begin = meter.clock.steady();
  std::uint64_t offset = 0;
  while (true) {
    if (auto open = meter.call.check("measure the disk"); !open) return pass(open);
    auto count = file.read_at(offset, block);
    if (!count) return pass(count);
    if (*count == 0) return Transfer{.bytes = offset, .ms = meter.since(begin).count()};
    offset += *count;
  }
}

}  // namespace

Result<DiskMeasures> measure_disk(const DiskPlan& plan, const Meter& meter) {
  auto syncs = measure_syncs(plan, meter);
  if (!syncs) return pass(syncs);
  auto files = measure_new_files(plan, meter);
  if (!files) return pass(files);
  auto file = ScratchFile::create(plan.directory + "/large");
  if (!file) return pass(file);
  auto written = write_all(*file, plan.size, meter);
  if (!written) return pass(written);
  auto read = read_all(*file, meter);
  if (!read) return pass(read);
  return DiskMeasures{.sync = *syncs, .new_file = *files, .write = *written, .read = *read};
}

}  // namespace litestreamctl::bench

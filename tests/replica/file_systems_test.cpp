// The file backend on file systems that can less than a local disk, as NFS, CIFS and FUSE show them: their refusals are
// played below the system calls of this program.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>

#include "backend/file_backend.hpp"
#include "io/file.hpp"
#include "replica/conformance.hpp"
#include "support/catch.hpp"
#include "support/fail_nth.hpp"
#include "support/temp_dir.hpp"

using namespace replica;
using support::TempDir;

namespace {

// errno of each call, 0 = it works. One thread sets them while no other is in the backend.
struct Refusals {
  int exclusive_rename = 0, link = 0, sync_directory = 0, owner = 0, mode = 0;
  int kernel_copy = 0, write_back = 0;
  bool link_answer_lost = false;  // the link is made, and said to have been there
} refusals;
int kernel_copies = 0;
off64_t written_back = 0;  // bytes, in one go from the beginning

int refuse(int code) {
  errno = code;
  return -1;
}

bool is_directory(int fd) {
  struct stat status{};
  return ::fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
}

}  // namespace

// In the place of those of the C library, for all that is linked into this program.
extern "C" {
int renameat2(int from_fd, const char* from, int to_fd, const char* to, unsigned flags) noexcept {
  if (refusals.exclusive_rename != 0) return refuse(refusals.exclusive_rename);
  return static_cast<int>(::syscall(SYS_renameat2, from_fd, from, to_fd, to, flags));
}
int link(const char* from, const char* to) noexcept {
  if (refusals.link != 0) return refuse(refusals.link);
  const auto made = static_cast<int>(::syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0));
  return made == 0 && refusals.link_answer_lost ? refuse(EEXIST) : made;
}
ssize_t copy_file_range(int from, off64_t* from_offset, int to, off64_t* to_offset, std::size_t size, unsigned flags) {
  if (refusals.kernel_copy != 0) return refuse(refusals.kernel_copy);
  ++kernel_copies;
  return ::syscall(SYS_copy_file_range, from, from_offset, to, to_offset, std::min(size, std::size_t{100'000}), flags);
}
int sync_file_range(int, off64_t offset, off64_t size, unsigned) {
  if (refusals.write_back != 0) return refuse(refusals.write_back);
  if (offset == written_back) written_back += size;
  return 0;
}
int fsync(int fd) {
  if (refusals.sync_directory != 0 && is_directory(fd)) return refuse(refusals.sync_directory);
  return static_cast<int>(::syscall(SYS_fsync, fd));
}
int fchown(int fd, uid_t user, gid_t group) noexcept {
  return refusals.owner != 0 ? refuse(refusals.owner) : static_cast<int>(::syscall(SYS_fchown, fd, user, group));
}
int fchmod(int fd, mode_t mode) noexcept {
  return refusals.mode != 0 ? refuse(refusals.mode) : static_cast<int>(::syscall(SYS_fchmod, fd, mode));
}
}

namespace {

class Refusing {
 public:
  explicit Refusing(const Refusals& what) { refusals = what; }
  Refusing(const Refusing&) = delete;
  Refusing& operator=(const Refusing&) = delete;
  ~Refusing() { refusals = {}; }
};

template <class T>
std::string error_of(const Result<T>& result) {
  return result ? "none" : std::string(name(result.error().code)) + ": " + result.error().message;
}

Result<ObjectInfo> put(Backend& backend, std::string_view key, std::string_view text, bool if_absent = false) {
  MemorySource body(std::as_bytes(std::span(text)));
  return backend.put(key, body, {.if_absent = if_absent}, {});
}

std::uint64_t size_of(Backend& backend, std::string_view key) {
  const auto found = backend.stat(key, {});
  return found ? found->size : 0;
}

void sit_exam(Backend& backend) {
  for (const auto& one : conformance_cases()) {
    INFO(one.name);
    CHECK(error_of(one.run(backend, "exam", {})) == "none");
  }
}

std::size_t files_in(const std::string& path) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path))
    count += entry.is_regular_file() ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("the exam on a file system without exclusive renames") {
  const int code = GENERATE(EINVAL, ENOSYS);
  const TempDir dir(support::fast_directory());
  const Refusing refusing({.exclusive_rename = code});
  sit_exam(*make_file_backend({.root = dir.path("root")}));
  CHECK(files_in(dir.path()) == 0);
}

TEST_CASE("the exam on a file system that cannot sync directories") {
  const int code = GENERATE(EINVAL, EOPNOTSUPP);
  const TempDir dir(support::fast_directory());
  const Refusing refusing({.sync_directory = code});
  sit_exam(*make_file_backend({.root = dir.path("root")}));
}

TEST_CASE("a directory whose sync fails is an error") {
  const TempDir dir;
  const auto backend = make_file_backend({.root = dir.path("root")});
  REQUIRE(put(*backend, "a/b", "1"));
  const Refusing refusing({.sync_directory = EIO});
  CHECK(error_of(put(*backend, "a/b", "2")).starts_with("io: sync directory "));
}

TEST_CASE("a link whose answer was lost is ours") {
  const TempDir dir;
  const auto backend = make_file_backend({.root = dir.path("root")});
  {
    const Refusing refusing({.exclusive_rename = EINVAL, .link_answer_lost = true});
    CHECK(error_of(put(*backend, "a/b", "first", true)) == "none");
  }
  const Refusing refusing({.exclusive_rename = EINVAL});
  CHECK(error_of(put(*backend, "a/b", "another", true)).starts_with("precondition_failed"));
  CHECK(size_of(*backend, "a/b") == 5);
  CHECK(files_in(dir.path()) == 1);
}

TEST_CASE("without exclusive renames and links a conditional put is unsupported, and others work") {
  const int code = GENERATE(EPERM, EOPNOTSUPP, ENOSYS);
  const TempDir dir;
  const auto backend = make_file_backend({.root = dir.path("root")});
  const Refusing refusing({.exclusive_rename = EINVAL, .link = code});
  const auto refused = put(*backend, "a/b", "1", true);
  CHECK(error_of(refused).starts_with("unsupported: "));
  CHECK(refused.error().message.find("neither exclusive renames nor hard links") != std::string::npos);
  CHECK(files_in(dir.path()) == 0);
  CHECK(error_of(put(*backend, "a/b", "12")) == "none");
  CHECK(size_of(*backend, "a/b") == 2);
}

TEST_CASE("a file system that knows neither owners nor modes keeps what is stored to its owner") {
  const TempDir dir;
  const std::string database = dir.path("app.db");
  REQUIRE(io::File::open(database, io::File::Mode::create_new, nullptr, 0640));
  const Refusing refusing({.owner = EPERM, .mode = GENERATE(EPERM, EOPNOTSUPP)});
  const auto backend = make_file_backend({.root = dir.path("root"), .permissions_like = database});
  CHECK(error_of(put(*backend, "a/b", "1")) == "none");
  struct stat status{};
  REQUIRE(::stat(dir.path("root/a/b").c_str(), &status) == 0);
  CHECK((status.st_mode & 0077U) == 0);
}

TEST_CASE("files are copied by the kernel, and by us where it cannot") {
  const int code = GENERATE(0, EXDEV, EOPNOTSUPP, ENOSYS, EINVAL, EPERM);
  const std::size_t size = GENERATE(as<std::size_t>(), 0, 1, 99'999, 700'001);
  const TempDir dir;
  std::string text(size, '\0');
  for (std::size_t n = 0; n < size; ++n) text[n] = static_cast<char>(n * 31 % 251);
  std::ofstream(dir.path("body")) << text;
  auto body = io::FileSource::open(dir.path("body"));
  REQUIRE(body);
  const auto backend = make_file_backend({.root = dir.path("root")});
  const Refusing refusing({.kernel_copy = code});
  kernel_copies = 0;
  for (int n = 0; n < 2; ++n) {
    REQUIRE(body->rewind());
    CHECK(error_of(backend->put("a/b", *body, {}, {})) == "none");
  }
  CHECK((kernel_copies > 0) == (code == 0 && size > 0));
  MemorySink out;
  REQUIRE(backend->get("a/b", {}, out, {}));
  CHECK(std::ranges::equal(out.data(), std::as_bytes(std::span(text))));
}

TEST_CASE("a long file is written back while it grows, where the system does such a thing") {
  const int code = GENERATE(0, ENOSYS, EINVAL);
  const TempDir dir(support::fast_directory());
  const Refusing refusing({.write_back = code});
  written_back = 0;
  auto file = io::AtomicFile::create(dir.path("f"));
  REQUIRE(file);
  const std::vector<std::byte> chunk(300'000, std::byte{'x'}), small(1000, std::byte{'y'});
  for (int n = 0; n < 100; ++n) {
    REQUIRE(file->write(chunk));
    REQUIRE(file->write(small));
  }
  CHECK(error_of(file->commit()) == "none");
  CHECK(std::filesystem::file_size(dir.path("f")) == 30'100'000);
  CHECK((code == 0 ? written_back > 20'000'000 && written_back < 30'100'000 : written_back == 0));
}

TEST_CASE("a copy that fails in the kernel, and a file that has become shorter, leave nothing") {
  const TempDir dir;
  std::ofstream(dir.path("body")) << std::string(300'000, 'x');
  auto body = io::FileSource::open(dir.path("body"));
  REQUIRE(body);
  const auto backend = make_file_backend({.root = dir.path("root")});
  {
    const Refusing refusing({.kernel_copy = ENOSPC});
    CHECK(error_of(backend->put("a/b", *body, {}, {})).starts_with("no_space: write "));
  }
  std::filesystem::resize_file(dir.path("body"), 250'000);
  CHECK(error_of(backend->put("a/b", *body, {}, {})).starts_with("corrupt: put a/b: body has less than 300000"));
  CHECK(files_in(dir.path("root")) == 0);
}

TEST_CASE("every step of a put from a file fails once") {
  std::uint64_t nth = 0;
  for (bool fired = true; fired;) {
    const TempDir dir(support::fast_directory());
    std::ofstream(dir.path("body")) << std::string(300'000, 'x');
    auto body = io::FileSource::open(dir.path("body"));
    REQUIRE(body);
    REQUIRE(put(*make_file_backend({.root = dir.path("root")}), "a/b", "old"));
    support::FailNth gate(++nth);
    const auto backend = backend::make_file_backend({.root = dir.path("root")}, &gate);
    const auto stored = backend->put("a/b", *body, {}, {});
    fired = gate.fired();
    INFO(gate.failed());
    const bool in_sweep = gate.failed().starts_with("list ");
    CHECK(stored.has_value() == (!fired || in_sweep));
    const bool renamed = gate.failed().starts_with("sync_dir ");
    CHECK(size_of(*backend, "a/b") == (stored || renamed ? 300'000 : 3));
    CHECK(files_in(dir.path("root")) == 1);
  }
  CHECK(nth > 8);
}

TEST_CASE("a folder may lie on another file system") {
  const TempDir dir, elsewhere("/dev/shm");
  std::filesystem::create_directories(dir.path("root/ltx"));
  std::filesystem::create_directory_symlink(elsewhere.path(), dir.path("root/ltx/0"));
  const auto backend = make_file_backend({.root = dir.path("root")});
  CHECK(error_of(put(*backend, "ltx/0/x", "1")) == "none");
  CHECK(error_of(put(*backend, "ltx/0/x", "12")) == "none");
  CHECK(error_of(put(*backend, "ltx/0/x", "123", true)).starts_with("precondition_failed"));
  CHECK(size_of(*backend, "ltx/0/x") == 2);
  CHECK(files_in(elsewhere.path()) == 1);
}

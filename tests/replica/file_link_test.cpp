// Finished files that become objects of the file backend under a second name, in the place of a copy.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "backend/file_backend.hpp"
#include "io/file.hpp"
#include "support/catch.hpp"
#include "support/fail_nth.hpp"
#include "support/temp_dir.hpp"

using namespace replica;
using support::TempDir;

namespace {

int refused_with = 0;  // errno; 0 = links are made

class Refusing {
 public:
  explicit Refusing(int code) { refused_with = code; }
  Refusing(const Refusing&) = delete;
  Refusing& operator=(const Refusing&) = delete;
  ~Refusing() { refused_with = 0; }
};

}  // namespace

// In the place of the C library's, for all that is linked into this program.
extern "C" int linkat(int from_fd, const char* from, int to_fd, const char* to, int flags) noexcept {
  if (refused_with == 0) return static_cast<int>(::syscall(SYS_linkat, from_fd, from, to_fd, to, flags));
  errno = refused_with;
  return -1;
}

namespace {

template <class T>
std::string error_of(const Result<T>& result) {
  return result ? "none" : std::string(name(result.error().code)) + ": " + result.error().message;
}

Result<ObjectInfo> put(Backend& backend, std::string_view key, std::string_view text) {
  MemorySource body(std::as_bytes(std::span(text)));
  return backend.put(key, body, {}, {});
}

std::uint64_t size_of(Backend& backend, std::string_view key) {
  const auto found = backend.stat(key, {});
  return found ? found->size : 0;
}

std::size_t files_in(const std::string& path) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path))
    count += entry.is_regular_file() ? 1 : 0;
  return count;
}

using May = io::FileSource::May;
const Timestamp kMade{std::chrono::milliseconds(1'700'000'000'123)};

// A finished file that nobody writes any more, of mode 0640 and that time.
std::string finished_file(const TempDir& dir, std::string_view text) {
  const std::string path = dir.path("body");
  auto file = io::File::open(path, io::File::Mode::create_or_truncate, nullptr, 0640);
  REQUIRE(file);
  REQUIRE(file->append(std::as_bytes(std::span(text))));
  REQUIRE(file->set_modified_at(kMade));
  return path;
}

std::string database_of(const TempDir& dir, mode_t mode) {
  const std::string path = dir.path("app.db");
  REQUIRE(io::File::open(path, io::File::Mode::create_or_truncate, nullptr, mode));
  REQUIRE(::chmod(path.c_str(), mode) == 0);
  return path;
}

bool is_one_file(const std::string& a, const std::string& b) {
  const auto one = io::stat_path(a), other = io::stat_path(b);
  return one && other && one->inode == other->inode && one->device == other->device;
}

std::string text_of(Backend& backend, std::string_view key) {
  MemorySink out;
  if (auto got = backend.get(key, {}, out, {}); !got) return error_of(got);
  return {reinterpret_cast<const char*>(out.data().data()), out.data().size()};
}

}  // namespace

TEST_CASE("a finished file that is as the object would be becomes the object") {
  const TempDir dir;
  const std::string path = finished_file(dir, "finished");
  const auto backend = make_file_backend({.root = dir.path("root"), .permissions_like = database_of(dir, 0640)});
  auto body = io::FileSource::open(path, nullptr, May::be_linked);
  REQUIRE(body);
  const auto stored = backend->put("a/b", *body, {.modified_at = kMade}, {});
  REQUIRE(stored);
  CHECK(stored->size == 8);
  CHECK(is_one_file(path, dir.path("root/a/b")));
  // Whoever replaces the object leaves the file as it is.
  CHECK(error_of(put(*backend, "a/b", "another")) == "none");
  CHECK(io::stat_path(path)->size == 8);
  REQUIRE(body->rewind());
  CHECK(error_of(backend->put("a/b", *body, {.modified_at = kMade}, {})) == "none");
  CHECK(text_of(*backend, "a/b") == "finished");
  CHECK(files_in(dir.path("root")) == 1);
}

TEST_CASE("a file that lost its name is not linked under another's") {
  const TempDir dir;
  auto body = io::FileSource::open(finished_file(dir, "finished"), nullptr, May::be_linked);
  REQUIRE(body);
  std::filesystem::remove(dir.path("body"));
  finished_file(dir, "of another");
  const auto backend = make_file_backend({.root = dir.path("root"), .permissions_like = database_of(dir, 0640)});
  CHECK(error_of(backend->put("a/b", *body, {.modified_at = kMade}, {})) == "none");
  CHECK(text_of(*backend, "a/b") == "finished");
}

TEST_CASE("a finished file of another mode or time, or under a condition, is copied") {
  const TempDir dir;
  const mode_t mode = GENERATE(as<mode_t>(), 0640, 0600, 0660);
  const auto late = std::chrono::milliseconds(GENERATE(0, 1));
  const bool if_absent = GENERATE(false, true);
  const std::string path = finished_file(dir, "finished");
  const auto backend = make_file_backend({.root = dir.path("root"), .permissions_like = database_of(dir, mode)});
  auto body = io::FileSource::open(path, nullptr, GENERATE(May::be_copied, May::be_linked));
  REQUIRE(body);
  const PutOptions options{.modified_at = kMade + late, .if_absent = if_absent};
  CHECK(error_of(backend->put("a/b", *body, options, {})) == "none");
  const auto object = io::stat_path(dir.path("root/a/b")), file = io::stat_path(path);
  REQUIRE(object);
  CHECK(object->mode == mode);
  CHECK(object->modified_at == kMade + late);
  CHECK(file->mode == 0640);
  CHECK(file->modified_at == kMade);
  CHECK(text_of(*backend, "a/b") == "finished");
}

TEST_CASE("a file that is given away gets mode and time of the object") {
  const TempDir dir;
  const std::string path = finished_file(dir, "finished");
  const auto backend = make_file_backend({.root = dir.path("root"), .permissions_like = database_of(dir, 0660)});
  auto body = io::FileSource::open(path, nullptr, May::be_given);
  REQUIRE(body);
  CHECK(error_of(backend->put("a/b", *body, {.modified_at = kMade + std::chrono::seconds(5)}, {})) == "none");
  const auto object = io::stat_path(dir.path("root/a/b"));
  REQUIRE(object);
  CHECK(is_one_file(path, dir.path("root/a/b")));
  CHECK(object->mode == 0660);
  CHECK(object->modified_at == kMade + std::chrono::seconds(5));
  std::filesystem::remove(path);
  CHECK(text_of(*backend, "a/b") == "finished");
}

TEST_CASE("where there are no links finished files are copied") {
  const int code = GENERATE(EXDEV, EPERM, EACCES, EOPNOTSUPP, ENOSYS, EMLINK, ENOENT);
  const May may = GENERATE(May::be_linked, May::be_given);
  const TempDir dir;
  auto body = io::FileSource::open(finished_file(dir, "finished"), nullptr, may);
  REQUIRE(body);
  const auto backend = make_file_backend({.root = dir.path("root"), .permissions_like = database_of(dir, 0640)});
  const Refusing refusing(code);
  CHECK(error_of(backend->put("a/b", *body, {.modified_at = kMade}, {})) == "none");
  CHECK_FALSE(is_one_file(dir.path("body"), dir.path("root/a/b")));
  CHECK(text_of(*backend, "a/b") == "finished");
}

TEST_CASE("a link that fails for another reason is an error") {
  const TempDir dir;
  auto body = io::FileSource::open(finished_file(dir, "finished"), nullptr, May::be_linked);
  REQUIRE(body);
  const auto backend = make_file_backend({.root = dir.path("root"), .permissions_like = database_of(dir, 0640)});
  const Refusing refusing(ENOSPC);
  CHECK(error_of(backend->put("a/b", *body, {.modified_at = kMade}, {})).starts_with("no_space: link to "));
  CHECK(files_in(dir.path("root")) == 0);
}

TEST_CASE("every step of a put by link fails once") {
  const May may = GENERATE(May::be_linked, May::be_given);
  std::uint64_t nth = 0;
  for (bool fired = true; fired;) {
    const TempDir dir(support::fast_directory());
    const std::string path = finished_file(dir, "finished"), database = database_of(dir, 0640);
    support::FailNth gate(++nth);
    auto body = io::FileSource::open(path, &gate, may);
    if (!body) continue;
    const auto backend = backend::make_file_backend({.root = dir.path("root"), .permissions_like = database}, &gate);
    const auto stored = backend->put("a/b", *body, {.modified_at = kMade}, {});
    fired = gate.fired();
    INFO(gate.failed());
    const bool in_sweep = gate.failed().starts_with("list ");
    CHECK(stored.has_value() == (!fired || in_sweep));
    const bool linked = gate.failed().starts_with("sync_dir ");
    CHECK(size_of(*backend, "a/b") == (stored || linked ? 8 : 0));
    if (!fired) break;
    // A second attempt completes what the first has left.
    REQUIRE(body->rewind());
    CHECK(error_of(backend->put("a/b", *body, {.modified_at = kMade}, {})) == "none");
    CHECK(text_of(*backend, "a/b") == "finished");
    CHECK(files_in(dir.path("root")) == 1);
  }
  CHECK(nth > 6);
}

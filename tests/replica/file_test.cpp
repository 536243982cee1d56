// The file layer: what it promises when things go well, and that no failure leaves something half done.
#include "io/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "io/directory.hpp"
#include "support/catch.hpp"
#include "support/fail_nth.hpp"
#include "support/temp_dir.hpp"

using namespace replica;
using namespace replica::io;
using support::FailNth;
using support::TempDir;

namespace {

using Names = std::vector<std::string>;

Bytes bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

template <class T>
std::string error_of(const Result<T>& result) {
  return result ? "none" : std::string(name(result.error().code)) + ": " + result.error().message;
}

void write_file(const std::string& path, std::string_view text) {
  auto file = File::open(path, File::Mode::create_or_truncate);
  REQUIRE(file);
  REQUIRE(file->append(bytes(text)));
}

std::string read_file(const std::string& path) {
  auto file = FileSource::open(path);
  REQUIRE(file);
  std::string text(file->size(), '\0');
  REQUIRE(read_exactly(*file, std::as_writable_bytes(std::span(text))));
  return text;
}

std::size_t open_descriptors() {
  auto names = list_directory("/proc/self/fd");
  REQUIRE(names);
  return names->size();
}

Timestamp time_of(std::string_view text) {
  auto time = parse_rfc3339(text);
  REQUIRE(time);
  return *time;
}

}  // namespace

TEST_CASE("a file is written and read at offsets") {
  TempDir dir;
  auto file = File::open(dir.path("f"), File::Mode::create_new);
  REQUIRE(file);
  REQUIRE(file->append(bytes("hello")));
  REQUIRE(file->append(bytes(" world")));
  REQUIRE(file->write_at(0, bytes("J")));
  std::string got(20, '.');
  CHECK(*file->read_at(6, std::as_writable_bytes(std::span(got))) == 5);
  CHECK(got.substr(0, 6) == "world.");
  CHECK(*file->read_at(11, std::as_writable_bytes(std::span(got))) == 0);
  CHECK(*file->read_at(1000, std::as_writable_bytes(std::span(got))) == 0);
  CHECK(file->read_exactly_at(0, std::as_writable_bytes(std::span(got)).first(11)));
  CHECK(error_of(file->read_exactly_at(0, std::as_writable_bytes(std::span(got)).first(12))) ==
        "corrupt: read " + dir.path("f") + ": unexpected end of file");
  REQUIRE(file->truncate(3));
  CHECK(file->info()->size == 3);
  REQUIRE(file->sync());
  file->close();
  CHECK_FALSE(*file);
  CHECK(read_file(dir.path("f")) == "Jel");
}

TEST_CASE("how a file is opened") {
  TempDir dir;
  const std::string path = dir.path("f");
  CHECK(error_of(File::open(path, File::Mode::read)) == "not_found: open " + path + ": no such file or directory");
  REQUIRE(File::open(path, File::Mode::read_write)->append(bytes("abc")));
  CHECK(error_of(File::open(path, File::Mode::create_new)) == "already_exists: create " + path + ": file exists");
  REQUIRE(File::open(path, File::Mode::read_write)->append(bytes("x")));
  CHECK(read_file(path) == "xbc");
  CHECK(error_of(File::open(path, File::Mode::read)->append(bytes("y"))) ==
        "io: write " + path + ": bad file descriptor");
  REQUIRE(File::open(path, File::Mode::create_or_truncate));
  CHECK(read_file(path).empty());
  REQUIRE(File::open(dir.path("secret"), File::Mode::create_new, nullptr, 0600));
  CHECK(stat_path(dir.path("secret"))->mode == 0600);
}

TEST_CASE("descriptors are not inherited and not leaked") {
  TempDir dir;
  const std::size_t before = open_descriptors();
  {
    auto file = File::open(dir.path("f"), File::Mode::read_write);
    REQUIRE(file);
    CHECK((::fcntl(file->descriptor(), F_GETFD) & FD_CLOEXEC) != 0);
    File moved = std::move(*file);
    CHECK_FALSE(*file);
    File other;
    other = std::move(moved);
    CHECK(other);
    auto directory = Directory::open(dir.path());
    REQUIRE(directory);
    const auto descriptors = list_directory("/proc/self/fd");
    int seen = 0;
    for (const std::string& fd : *descriptors) {
      const int flags = ::fcntl(std::stoi(fd), F_GETFD);
      std::error_code gone;
      const auto target = std::filesystem::read_symlink("/proc/self/fd/" + fd, gone).string();
      if (!target.starts_with(dir.path())) continue;
      ++seen;
      CHECK((flags & FD_CLOEXEC) != 0);
    }
    CHECK(seen == 2);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("errno becomes a code, a text and a hint") {
  const auto [number, code] = GENERATE(table<int, Errc>({{ENOENT, Errc::not_found},
                                                         {ENOTDIR, Errc::not_found},
                                                         {EEXIST, Errc::already_exists},
                                                         {EACCES, Errc::permission_denied},
                                                         {EPERM, Errc::permission_denied},
                                                         {EROFS, Errc::permission_denied},
                                                         {ENOSPC, Errc::no_space},
                                                         {EDQUOT, Errc::no_space},
                                                         {EISDIR, Errc::invalid_argument},
                                                         {ENAMETOOLONG, Errc::invalid_argument},
                                                         {EMFILE, Errc::unavailable},
                                                         {ETXTBSY, Errc::busy},
                                                         {EOPNOTSUPP, Errc::unsupported},
                                                         {EIO, Errc::io},
                                                         {EINVAL, Errc::io}}));
  const Error error = errno_error(number, "sync", "/a b");
  CHECK(error.code == code);
  std::string text = std::strerror(number);
  CHECK(error.message.starts_with("sync /a b: "));
  CHECK(error.message.substr(12) == text.substr(1));
  CHECK(std::islower(static_cast<unsigned char>(error.message[11])));
  const bool somebody_must_act = code == Errc::no_space || code == Errc::permission_denied || number == EMFILE;
  CHECK(error.hint.empty() != somebody_must_act);
}

TEST_CASE("a full disk is no_space") {
  auto full = File::open("/dev/full", File::Mode::read_write);
  REQUIRE(full);
  auto written = full->append(bytes("x"));
  CHECK(error_of(written) == "no_space: write /dev/full: no space left on device");
  CHECK(written.error().hint == "free space on that file system");
}

TEST_CASE("times are set to the millisecond") {
  TempDir dir;
  auto file = File::open(dir.path("f"), File::Mode::create_new);
  REQUIRE(file);
  for (const auto* text : {"2021-02-03T04:05:06.789Z", "1969-12-31T23:59:59.001Z"}) {
    REQUIRE(file->set_modified_at(time_of(text)));
    CHECK(to_rfc3339(file->info()->modified_at) == text);
  }
  CHECK(file->info()->changed_at > time_of("2024-01-01T00:00:00Z"));
}

TEST_CASE("a file takes mode and owner of another") {
  TempDir dir;
  auto file = File::open(dir.path("f"), File::Mode::create_new);
  REQUIRE(file);
  // Only root may give files away; for others the refusal is no error.
  const FileInfo model{.mode = 0640, .uid = 4321, .gid = 4322};
  REQUIRE(file->own_like(model));
  const auto info = file->info();
  CHECK(info->mode == 0640);
  CHECK(info->uid == (::geteuid() == 0 ? 4321 : ::geteuid()));
  CHECK(info->is_regular);
  CHECK_FALSE(info->is_directory);
}

TEST_CASE("one holder of a lock") {
  TempDir dir;
  auto first = File::open(dir.path("lock"), File::Mode::read_write);
  auto second = File::open(dir.path("lock"), File::Mode::read_write);
  REQUIRE(first);
  REQUIRE(second);
  CHECK(*first->try_lock_exclusive());
  CHECK(*first->try_lock_exclusive());
  CHECK_FALSE(*second->try_lock_exclusive());
  first->close();
  CHECK(*second->try_lock_exclusive());
}

TEST_CASE("a file as a source") {
  TempDir dir;
  write_file(dir.path("f"), "0123456789");
  auto source = FileSource::open(dir.path("f"));
  REQUIRE(source);
  REQUIRE(File::open(dir.path("f"), File::Mode::read_write)->write_at(10, bytes("more")));
  for (int i = 0; i < 2; ++i) {
    std::string got(30, '.');
    CHECK(*source->read(std::as_writable_bytes(std::span(got)).first(4)) == 4);
    CHECK(*source->read(std::as_writable_bytes(std::span(got)).subspan(4)) == 6);
    CHECK(*source->read(std::as_writable_bytes(std::span(got))) == 0);
    CHECK(got.substr(0, 11) == "0123456789.");
    REQUIRE(source->rewind());
  }
  CHECK(source->size() == 10);
  CHECK(FileSource::open(dir.path()).error().code == Errc::invalid_argument);
  CHECK(FileSource::open(dir.path("none")).error().code == Errc::not_found);
}

TEST_CASE("an atomic file appears on commit") {
  TempDir dir;
  const std::string path = dir.path("f");
  write_file(path, "old");
  std::string content;
  {
    auto file = AtomicFile::create(path);
    REQUIRE(file);
    for (const std::size_t size : {1U, 100U, 300'000U, 262'143U, 1U, 262'144U, 5U}) {
      const std::string part(size, static_cast<char>('a' + size % 26));
      REQUIRE(file->write(bytes(part)));
      content += part;
    }
    AtomicFile moved = std::move(*file);
    CHECK(read_file(path) == "old");
    CHECK(dir.files() == Names{"f", "f.tmp"});
    REQUIRE(moved.commit(time_of("2021-02-03T04:05:06.789Z")));
    CHECK(moved.commit().error().code == Errc::io);
  }
  CHECK(read_file(path) == content);
  CHECK(to_rfc3339(stat_path(path)->modified_at) == "2021-02-03T04:05:06.789Z");
  CHECK(dir.files() == Names{"f"});
}

TEST_CASE("without commit an atomic file leaves nothing") {
  TempDir dir;
  REQUIRE(AtomicFile::create(dir.path("f"))->write(bytes("x")));
  CHECK(dir.files().empty());
}

TEST_CASE("the temp file of a crash is replaced, not written through") {
  TempDir dir;
  write_file(dir.path("elsewhere"), "untouched");
  std::filesystem::create_symlink("elsewhere", dir.path("f.tmp"));
  {
    auto file = AtomicFile::create(dir.path("f"));
    REQUIRE(file);
    REQUIRE(file->write(bytes("new")));
    REQUIRE(file->commit());
  }
  CHECK(read_file(dir.path("elsewhere")) == "untouched");
  CHECK(read_file(dir.path("f")) == "new");
  CHECK(dir.files() == Names{"elsewhere", "f"});
  // A temp name of the caller's own is nobody else's to remove.
  write_file(dir.path("mine"), "x");
  CHECK(AtomicFile::create(dir.path("f"), nullptr, {.temp_path = dir.path("mine")}).error().code ==
        Errc::already_exists);
  CHECK(read_file(dir.path("mine")) == "x");
}

TEST_CASE("an atomic file has its mode before it has its name") {
  TempDir dir;
  const FileInfo model{.mode = 0640, .uid = ::geteuid(), .gid = ::getegid()};
  {
    auto file = AtomicFile::create(dir.path("f"), nullptr, &model);
    REQUIRE(file);
    CHECK(stat_path(dir.path("f.tmp"))->mode == 0640);
    REQUIRE(file->commit());
  }
  CHECK(stat_path(dir.path("f"))->mode == 0640);
  REQUIRE(AtomicFile::create(dir.path("g"), nullptr, {.permissions = 0600})->commit());
  CHECK(stat_path(dir.path("g"))->mode == 0600);
}

TEST_CASE("commit_new does not replace") {
  TempDir dir;
  const auto put = [&](std::string_view text) {
    auto file = AtomicFile::create(dir.path("f"));
    REQUIRE(file);
    REQUIRE(file->write(bytes(text)));
    return file->commit_new();
  };
  REQUIRE(put("first"));
  CHECK(put("second").error().code == Errc::already_exists);
  CHECK(read_file(dir.path("f")) == "first");
  CHECK(dir.files() == Names{"f"});
}

TEST_CASE("a write that failed cannot be committed") {
  TempDir dir;
  FailNth gate(2);  // open, write
  auto file = AtomicFile::create(dir.path("f"), &gate);
  REQUIRE(file);
  const std::string big(300'000, 'x');
  REQUIRE_FALSE(file->write(bytes(big)));
  CHECK(gate.failed().starts_with("write "));
  REQUIRE(file->write(bytes("small")));
  CHECK(error_of(file->commit()) == "io: commit " + dir.path("f") + ": an earlier step failed");
  CHECK_FALSE(std::filesystem::exists(dir.path("f")));
}

TEST_CASE("every step of an atomic write fails once") {
  const auto then = GENERATE(FailNth::Then::recover, FailNth::Then::stay_broken);
  const bool exists = GENERATE(false, true);
  const std::string big(600'000, 'n');
  const FileInfo model{.mode = 0640, .uid = ::geteuid(), .gid = ::getegid()};
  const std::size_t descriptors = open_descriptors();
  std::uint64_t nth = 0;
  for (bool fired = true; fired;) {
    TempDir dir;
    const std::string path = dir.path("f");
    if (exists) write_file(path, "old");
    FailNth gate(++nth, then);
    const auto write = [&]() -> Result<void> {
      auto file = AtomicFile::create(path, &gate, &model);
      if (!file) return pass(file);
      if (auto r = file->write(bytes("nnn")); !r) return r;
      if (auto r = file->write(bytes(big)); !r) return r;
      return exists ? file->commit(time_of("2021-02-03T04:05:06Z")) : file->commit_new(time_of("2021-02-03T04:05:06Z"));
    };
    const auto written = write();
    fired = gate.fired();
    INFO("step " << nth << ": " << gate.failed());
    CHECK(written.has_value() == !fired);
    const bool last_step = gate.failed().starts_with("sync_dir ");
    const bool there = !fired || last_step;
    CHECK(std::filesystem::exists(path) == (exists || there));
    if (exists || there) CHECK(read_file(path) == (there ? "nnn" + big : "old"));
    const bool may_leave_temp = fired && then == FailNth::Then::stay_broken && !last_step;
    if (!may_leave_temp) CHECK_FALSE(std::filesystem::exists(temp_name(path)));
  }
  CHECK(nth == 9);  // open, set_owner, 2 writes, set_time, sync, rename, sync_dir, and a run without failure
  CHECK(open_descriptors() == descriptors);
}

TEST_CASE("the parent of a path") {
  const auto [path, parent] = GENERATE(table<std::string, std::string>({{"a", "."},
                                                                        {"a/b", "a"},
                                                                        {"/a", "/"},
                                                                        {"/", "/"},
                                                                        {"//", "/"},
                                                                        {"", "."},
                                                                        {"/a/b/", "/a"},
                                                                        {"a//b", "a"},
                                                                        {"//a", "/"},
                                                                        {"../a", ".."}}));
  CHECK(parent_of(path) == parent);
}

TEST_CASE("directories are made with their parents, like a model") {
  TempDir dir;
  const FileInfo model{.mode = 02750, .uid = ::geteuid(), .gid = ::getegid()};
  FailNth gate(0);
  REQUIRE(make_directories(dir.path("a/b/c"), &gate, &model));
  CHECK(gate.calls() == 6);  // mkdir and sync of the parent, three times
  for (const auto* name : {"a", "a/b", "a/b/c"}) {
    const auto info = stat_path(dir.path(name));
    CHECK(info->is_directory);
    CHECK(info->mode == 02750);
  }
  REQUIRE(make_directories(dir.path("a/b/c/"), &gate, &model));
  CHECK(gate.calls() == 6);
  write_file(dir.path("file"), "x");
  FailNth refusing(1);
  CHECK(make_directories(dir.path("file")).error().code == Errc::not_found);
  CHECK(make_directories(dir.path("file/d")).error().code == Errc::not_found);
  CHECK(make_directories(dir.path("x"), &refusing).error().code == Errc::io);
  CHECK_FALSE(std::filesystem::exists(dir.path("x")));
}

TEST_CASE("names are listed, renamed and removed") {
  TempDir dir;
  for (const auto* name : {"b", "a", "c"}) write_file(dir.path(name), name);
  REQUIRE(make_directories(dir.path("d")));
  CHECK(*list_directory(dir.path()) == Names{"a", "b", "c", "d"});
  CHECK(list_directory(dir.path("none"))->empty());
  CHECK(list_directory(dir.path("a"))->empty());
  REQUIRE(rename_file(dir.path("a"), dir.path("b")));
  CHECK(read_file(dir.path("b")) == "a");
  CHECK(rename_new(dir.path("b"), dir.path("c")).error().code == Errc::already_exists);
  REQUIRE(rename_new(dir.path("b"), dir.path("e")));
  CHECK(rename_file(dir.path("b"), dir.path("x")).error().code == Errc::not_found);
  REQUIRE(remove_file(dir.path("e")));
  REQUIRE(remove_file(dir.path("e")));
  CHECK(remove_file(dir.path("d")).error().code == Errc::invalid_argument);
  REQUIRE(sync_directory(dir.path()));
  CHECK(sync_directory(dir.path("none")).error().code == Errc::not_found);
  CHECK(*list_directory(dir.path()) == Names{"c", "d"});
}

TEST_CASE("a refused step has no effect") {
  TempDir dir;
  write_file(dir.path("f"), "content");
  FailNth gate(1, FailNth::Then::stay_broken, Errc::no_space);
  CHECK(File::open(dir.path("g"), File::Mode::create_new, &gate).error().code == Errc::no_space);
  CHECK(rename_file(dir.path("f"), dir.path("g"), &gate).error().code == Errc::no_space);
  CHECK(rename_new(dir.path("f"), dir.path("g"), &gate).error().code == Errc::no_space);
  CHECK(remove_file(dir.path("f"), &gate).error().code == Errc::no_space);
  CHECK(make_directories(dir.path("d"), &gate).error().code == Errc::no_space);
  CHECK(sync_directory(dir.path(), &gate).error().code == Errc::no_space);
  CHECK(list_directory(dir.path(), &gate).error().code == Errc::no_space);
  CHECK(gate.calls() == 7);
  FailNth file_gate(2, FailNth::Then::stay_broken);
  auto file = File::open(dir.path("f"), File::Mode::read_write, &file_gate);
  REQUIRE(file);
  std::byte out{};
  CHECK(error_of(file->truncate(0)).starts_with("io: injected failure of truncate "));
  CHECK(error_of(file->write_at(0, bytes("x"))).starts_with("io: injected failure of write "));
  CHECK(error_of(file->read_at(0, {&out, 1})).starts_with("io: injected failure of read "));
  CHECK(error_of(file->sync()).starts_with("io: injected failure of sync "));
  CHECK(error_of(file->set_modified_at({})).starts_with("io: injected failure of set_time "));
  CHECK(error_of(file->own_like({})).starts_with("io: injected failure of set_owner "));
  CHECK(error_of(file->try_lock_exclusive()).starts_with("io: injected failure of lock "));
  CHECK(dir.files() == Names{"f"});
  CHECK(read_file(dir.path("f")) == "content");
}

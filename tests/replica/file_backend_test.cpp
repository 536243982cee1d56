// What is particular about objects that are files: crashes, other writers, foreign files, owners.
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "backend/exam.hpp"
#include "backend/file_backend.hpp"
#include "backend/file_layout.hpp"
#include "support/catch.hpp"
#include "support/fail_nth.hpp"
#include "support/temp_dir.hpp"

using namespace replica;
using support::FailNth;
using support::TempDir;
namespace fs = std::filesystem;

namespace {

using Names = std::vector<std::string>;

template <class T>
std::string error_of(const Result<T>& result) {
  return result ? "none" : std::string(name(result.error().code)) + ": " + result.error().message;
}

Result<ObjectInfo> put(Backend& backend, std::string_view key, std::string_view text, const PutOptions& options = {}) {
  MemorySource body(std::as_bytes(std::span(text)));
  return backend.put(key, body, options, {});
}

std::string get(Backend& backend, std::string_view key) {
  MemorySink sink;
  if (auto got = backend.get(key, {}, sink, {}); !got) return "(" + std::string(name(got.error().code)) + ")";
  std::string text(sink.data().size(), '\0');
  if (!text.empty()) std::memcpy(text.data(), sink.data().data(), text.size());
  return text;
}

Names keys(Backend& backend, std::string_view prefix = {}, std::string_view after = {}) {
  Names found;
  const auto note = [&](const ObjectInfo& object) { return found.push_back(object.key), true; };
  const auto listed = backend.list(prefix, after, note, {});
  CHECK(error_of(listed) == "none");
  return found;
}

void touch(const std::string& path) { std::ofstream(path) << "x"; }

mode_t mode_of(const std::string& path) {
  struct stat status{};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777U;
}

// Notes every step and lets it happen.
class Notes final : public io::Gate {
 public:
  explicit Notes(std::string root) : root_(std::move(root)) {}
  std::optional<Error> before(std::string_view operation, std::string_view subject) override {
    const std::scoped_lock lock(mutex_);
    if (subject.starts_with(root_)) subject.remove_prefix(root_.size());
    std::string step = std::string(operation) + " " + std::string(subject);
    if (const auto temp = step.find("/.put-"); temp != std::string::npos) step = step.substr(0, temp) + "/TEMP";
    steps_.push_back(std::move(step));
    return {};
  }
  Names take() { return std::exchange(steps_, {}); }

 private:
  std::mutex mutex_;
  std::string root_;
  Names steps_;
};

struct LaterClock final : Clock {
  explicit LaterClock(std::chrono::hours later) : by(later) {}
  Timestamp now() const override { return SystemClock().now() + by; }
  Steady steady() const override { return SystemClock().steady(); }
  std::chrono::hours by;
};

}  // namespace

TEST_CASE("the steps of a put, in the order that makes it durable") {
  TempDir dir;
  Notes notes(dir.path());
  const auto backend = backend::make_file_backend({.root = dir.path("root")}, &notes);
  REQUIRE(put(*backend, "a/b", "1"));
  CHECK(notes.take() == Names{"mkdir /root", "mkdir /root/a", "open /root/a/TEMP", "write /root/a/TEMP",
                              "set_time /root/a/TEMP", "sync /root/a/TEMP", "rename /root/a/b", "sync_dir /root/a",
                              "sync_dir ", "sync_dir /root"});
  REQUIRE(put(*backend, "a/c", "2"));
  CHECK(notes.take() == Names{"open /root/a/TEMP", "write /root/a/TEMP", "set_time /root/a/TEMP", "sync /root/a/TEMP",
                              "rename /root/a/c", "sync_dir /root/a"});
  // Folders that were there may not be durable, and hold what a crash has left.
  const auto later = backend::make_file_backend({.root = dir.path("root")}, &notes);
  REQUIRE(put(*later, "a/d", "3"));
  CHECK(notes.take() == Names{"list /root", "list /root/a", "open /root/a/TEMP", "write /root/a/TEMP",
                              "set_time /root/a/TEMP", "sync /root/a/TEMP", "rename /root/a/d", "sync_dir /root/a",
                              "sync_dir /root"});
}

TEST_CASE("what one backend has found out of folders, those that know it from it take as it is") {
  TempDir dir;
  Notes notes(dir.path());
  const auto settled = make_settled_folders();
  const auto make = [&] {
    return backend::make_file_backend({.root = dir.path("root"), .permissions_like = {}, .settled = settled}, &notes);
  };
  REQUIRE(put(*make(), "a/b", "1"));
  notes.take();
  REQUIRE(put(*make(), "a/c", "2"));
  const Names known = {"open /root/a/TEMP", "write /root/a/TEMP", "set_time /root/a/TEMP",
                       "sync /root/a/TEMP", "rename /root/a/c",   "sync_dir /root/a"};
  CHECK(notes.take() == known);
  // Neither is believed once the folder is found missing.
  fs::remove_all(dir.path("root"));
  REQUIRE(put(*make(), "a/c", "3"));
  const Names steps = notes.take();
  CHECK(std::count(steps.begin(), steps.end(), "mkdir /root") == 1);
  CHECK(std::count(steps.begin(), steps.end(), "sync_dir /root") == 1);
  CHECK(get(*make(), "a/c") == "3");
  // Nor after somebody has removed folders by way of a backend.
  REQUIRE(make()->remove("a/c", {}));
  REQUIRE(make()->remove_folders("a", {}));
  REQUIRE(put(*make(), "a/c", "4"));
  CHECK(get(*make(), "a/c") == "4");
}

TEST_CASE("the folders of very many replicas are told apart") {
  SettledFolders settled;
  constexpr int kCount = 20'000;
  const auto name = [](int n) { return "/replicas/" + std::to_string(n) + "/ltx/0"; };
  for (int n = 0; n < kCount; ++n) {
    CHECK_FALSE(settled.contains(name(n)));
    settled.add(name(n));
    settled.add(name(n));
  }
  for (int n = 0; n < kCount; n += 2) settled.remove(name(n));
  for (int n = 0; n < kCount; ++n) CHECK(settled.contains(name(n)) == (n % 2 == 1));
  for (int n = 0; n < kCount; n += 2) settled.add(name(n));
  for (int n = 0; n < kCount; ++n) CHECK(settled.contains(name(n)));
  settled.clear();
  settled.remove(name(1));
  CHECK_FALSE(settled.contains(name(1)));
  settled.add(name(1));
  CHECK(settled.contains(name(1)));
}

TEST_CASE("every step of a put fails once") {
  const auto then = GENERATE(FailNth::Then::recover, FailNth::Then::stay_broken);
  const bool exists = GENERATE(false, true);
  const bool if_absent = GENERATE(false, true);
  if (exists && if_absent) return;
  const std::string fresh(600'000, 'n');
  std::uint64_t nth = 0;
  for (bool fired = true; fired;) {
    TempDir dir(support::fast_directory());
    const auto healthy = make_file_backend({.root = dir.path("root")});
    if (exists) REQUIRE(put(*healthy, "db/0/x", "old"));
    FailNth gate(++nth, then);
    const auto backend = backend::make_file_backend({.root = dir.path("root")}, &gate);
    const auto stored = put(*backend, "db/0/x", fresh, {.if_absent = if_absent});
    fired = gate.fired();
    INFO("step " << nth << ": " << gate.failed());
    const bool in_sweep = gate.failed().starts_with("list ") && then == FailNth::Then::recover;
    CHECK(stored.has_value() == (!fired || in_sweep));
    if (!stored) CHECK(stored.error().code == Errc::io);
    // Only the syncs, all of which come after the rename, can fail with the new object in place.
    const std::string before = exists ? "old" : "(not_found)";
    const bool renamed = gate.failed().starts_with("sync_dir ");
    CHECK(get(*healthy, "db/0/x") == (stored || renamed ? fresh : before));
    CHECK(keys(*healthy) == (exists || stored || renamed ? Names{"db/0/x"} : Names{}));
    if (then == FailNth::Then::recover) {
      for (const std::string& file : dir.files()) CHECK_FALSE(file.ends_with(".tmp"));
    }
    CHECK(error_of(put(*healthy, "db/0/x", fresh)) == "none");
    CHECK(get(*healthy, "db/0/x") == fresh);
  }
  CHECK(nth >= 14);
}

TEST_CASE("the codes of the file system come through") {
  TempDir dir;
  FailNth gate(7, FailNth::Then::recover, Errc::no_space);
  const auto backend = backend::make_file_backend({.root = dir.path("root")}, &gate);
  const auto stored = put(*backend, "a/b", "x");
  INFO(gate.failed());
  CHECK(stored.error().code == Errc::no_space);
  CHECK(keys(*backend).empty());
}

TEST_CASE("what a crash left behind is not listed, and goes after a day") {
  TempDir dir;
  FailNth crash(5, FailNth::Then::stay_broken);
  REQUIRE_FALSE(put(*backend::make_file_backend({.root = dir.path()}, &crash), "a/b", "x"));
  REQUIRE(dir.files().size() == 1);
  touch(dir.path("a/foreign.tmp"));
  // Its time of modification is the data's own, so it says nothing about age.
  fs::last_write_time(dir.path(dir.files()[0]), fs::file_time_type::clock::now() - std::chrono::hours(1000));
  const auto today = make_file_backend({.root = dir.path()});
  CHECK(keys(*today).empty());
  REQUIRE(put(*today, "a/c", "x"));
  CHECK(dir.files().size() == 3);
  const LaterClock tomorrow(std::chrono::hours(25));
  REQUIRE(put(*backend::make_file_backend({.root = dir.path()}, nullptr, &tomorrow), "a/d", "x"));
  CHECK(dir.files() == Names{"a/c", "a/d", "a/foreign.tmp"});
}

TEST_CASE("two processes put under the same names") {
  TempDir dir;
  std::vector<std::string> errors(8);
  {
    std::vector<std::jthread> writers;
    writers.reserve(errors.size());
    for (std::size_t i = 0; i < errors.size(); ++i) {
      writers.emplace_back([&, i] {
        const auto own = make_file_backend({.root = dir.path("root")});
        const Call patience;
        const exam::Exam exam(*own, "x/y", patience);
        for (std::uint64_t round = 0; round < 10 && errors[i].empty(); ++round) {
          const auto stored = exam.put("key", exam::make_data(50'000, round * 10 + i));
          auto data = exam.get("key");
          if (!stored) errors[i] = error_of(stored);
          if (!data) errors[i] = error_of(data);
          if (data && !exam::seed_of(*data)) errors[i] = "a mixture";
        }
      });
    }
  }
  CHECK(errors == Names(8));
  CHECK(dir.files() == Names{"root/x/y/key"});
}

TEST_CASE("modes are those of the database and its directory") {
  TempDir dir;
  const mode_t old_mask = ::umask(022);
  touch(dir.path("app.db"));
  fs::permissions(dir.path("app.db"), fs::perms(0640));
  fs::permissions(dir.path(), fs::perms(0750));
  SECTION("like the database") {
    const auto backend = make_file_backend({.root = dir.path("r/s"), .permissions_like = dir.path("app.db")});
    REQUIRE(put(*backend, "a/b", "x"));
    for (const auto* folder : {"r", "r/s", "r/s/a"}) CHECK(mode_of(dir.path(folder)) == 0750);
    CHECK(mode_of(dir.path("r/s/a/b")) == 0640);
    // Looked at for every put: the database may come later than the backend, or change.
    fs::permissions(dir.path("app.db"), fs::perms(0660));
    REQUIRE(put(*backend, "a/b", "x"));
    CHECK(mode_of(dir.path("r/s/a/b")) == 0660);
  }
  SECTION("no model") {
    const std::string like = GENERATE("", "/nowhere/app.db");
    const auto backend = make_file_backend({.root = dir.path("r"), .permissions_like = like});
    REQUIRE(put(*backend, "a/b", "x"));
    CHECK(mode_of(dir.path("r")) == 0755);
    CHECK(mode_of(dir.path("r/a")) == 0755);
    CHECK(mode_of(dir.path("r/a/b")) == 0600);
  }
  ::umask(old_mask);
}

TEST_CASE("the owner is the database's, as far as we may") {
  TempDir dir;
  touch(dir.path("app.db"));
  const bool root = ::geteuid() == 0;
  if (root) REQUIRE(::chown(dir.path("app.db").c_str(), 4321, 4322) == 0);
  const auto backend = make_file_backend({.root = dir.path("r"), .permissions_like = dir.path("app.db")});
  REQUIRE(put(*backend, "a", "x"));
  struct stat status{};
  REQUIRE(::stat(dir.path("r/a").c_str(), &status) == 0);
  CHECK(status.st_uid == (root ? 4321 : ::geteuid()));
}

TEST_CASE("files that are no objects are passed over") {
  TempDir dir;
  const auto backend = make_file_backend({.root = dir.path("root")});
  REQUIRE(put(*backend, "a/1", "x"));
  REQUIRE(put(*backend, "b/2", "y"));
  touch(dir.path("root/a/1.ltx.tmp"));
  touch(dir.path("root/a/new\nline"));
  touch(dir.path("outside"));
  REQUIRE(::mkfifo(dir.path("root/a/fifo").c_str(), 0600) == 0);
  fs::create_symlink("gone", dir.path("root/a/dangling"));
  fs::create_symlink("..", dir.path("root/a/up"));
  fs::create_symlink("self", dir.path("root/a/self"));
  fs::create_symlink("../../outside", dir.path("root/a/link"));
  fs::create_directory_symlink("b", dir.path("root/c"));
  CHECK(keys(*backend) == Names{"a/1", "a/link", "b/2", "c/2"});
  CHECK(keys(*backend, "a/") == Names{"a/1", "a/link"});
  CHECK(keys(*backend, "a/up/b/").empty());
  CHECK(keys(*backend, "c/") == Names{"c/2"});
  CHECK(get(*backend, "c/2") == "y");
}

TEST_CASE("a listing reads only what can hold the prefix") {
  TempDir dir;
  Notes notes(dir.path());
  const auto backend = backend::make_file_backend({.root = dir.path()}, &notes);
  for (const auto* key : {"db/ltx/0/1", "db/ltx/0/2", "db/ltx/1/1", "db/ltx/9/1", "other/x", "db2/x"}) {
    REQUIRE(put(*backend, key, "x"));
  }
  notes.take();
  CHECK(keys(*backend, "db/ltx/0/") == Names{"db/ltx/0/1", "db/ltx/0/2"});
  CHECK(notes.take() == Names{"list /db/ltx/0/"});
  CHECK(keys(*backend, "db/ltx/", "db/ltx/1/0") == Names{"db/ltx/1/1", "db/ltx/9/1"});
  CHECK(notes.take() == Names{"list /db/ltx/", "list /db/ltx/1/", "list /db/ltx/9/"});
  CHECK(keys(*backend, "o") == Names{"other/x"});
  CHECK(notes.take() == Names{"list /", "list /other/"});
  // Lazily: nothing is read behind the object that was enough.
  REQUIRE(backend->list("", "", [](const ObjectInfo&) { return false; }, {}));
  CHECK(notes.take() == Names{"list /", "list /db/", "list /db/ltx/", "list /db/ltx/0/"});
}

TEST_CASE("an object is not a folder at the same time") {
  TempDir dir;
  const auto backend = make_file_backend({.root = dir.path()});
  REQUIRE(put(*backend, "a", "x"));
  const auto below = put(*backend, "a/b", "y");
  CHECK(below.error().code == Errc::invalid_argument);
  CHECK(below.error().hint == "an object cannot have the name of another object's folder");
  REQUIRE(put(*backend, "c/d", "x"));
  CHECK(put(*backend, "c", "y").error().code == Errc::invalid_argument);
  CHECK(put(*backend, "c", "y", {.if_absent = true}).error().code == Errc::precondition_failed);
  CHECK(get(*backend, "a/b") == "(not_found)");
  CHECK(keys(*backend, "a/").empty());
  CHECK(dir.files() == Names{"a", "c/d"});
}

TEST_CASE("a root that is missing is empty, and one that was removed is made again") {
  TempDir dir;
  const auto backend = make_file_backend({.root = dir.path("root//")});
  CHECK(keys(*backend).empty());
  CHECK(get(*backend, "a") == "(not_found)");
  CHECK_FALSE(fs::exists(dir.path("root")));
  REQUIRE(put(*backend, "a/b", "x"));
  fs::remove_all(dir.path("root"));
  CHECK(keys(*backend).empty());
  REQUIRE(put(*backend, "a/b", "y"));
  CHECK(get(*backend, "a/b") == "y");
  CHECK(backend->type() == "file");
}

TEST_CASE("removing an object leaves its folder") {
  TempDir dir;
  const auto backend = make_file_backend({.root = dir.path()});
  REQUIRE(put(*backend, "a/b", "x"));
  REQUIRE(backend->remove("a/b", {}));
  CHECK(fs::is_directory(dir.path("a")));
}

TEST_CASE("empty folders go when they are asked to, and are made again") {
  TempDir dir;
  const auto backend = make_file_backend({.root = dir.path()});
  for (const char* key : {"gone/a/b/c", "gone/d", "held/a/b", "held/c/d"}) REQUIRE(put(*backend, key, "x"));
  for (const char* key : {"gone/a/b/c", "gone/d", "held/c/d"}) REQUIRE(backend->remove(key, {}));
  fs::create_directory_symlink(dir.path("held"), dir.path("link"));
  for (const char* name : {"gone", "held", "missing"}) REQUIRE(backend->remove_folders(name, {}));
  CHECK_FALSE(fs::exists(dir.path("gone")));
  CHECK_FALSE(fs::exists(dir.path("held/c")));
  CHECK(get(*backend, "held/a/b") == "x");
  CHECK(fs::exists(dir.path("link")));
  CHECK(backend->remove_folders("../x", {}).error().code == Errc::invalid_argument);
  REQUIRE(put(*backend, "gone/a/b/c", "y"));
  CHECK(get(*backend, "gone/a/b/c") == "y");
}

// Whole restores: what the peer wrote, what may be overwritten, and that a failure leaves no trace.
#include <sys/stat.h>

#include <atomic>
#include <mutex>

#include "io/file.hpp"
#include "restore/apply.hpp"
#include "restore_fixture.hpp"

using namespace restore_fixture;

namespace {

// Fails the nth effect, once.
class FailNth final : public io::Gate {
 public:
  explicit FailNth(int nth) : left_(nth) {}
  std::optional<Error> before(std::string_view operation, std::string_view subject) override {
    const std::lock_guard lock(mutex_);
    if (--left_ != 0) return {};
    failed_ = std::string(operation);
    return Error{.code = Errc::io, .message = "injected at " + std::string(operation) + " " + std::string(subject)};
  }
  const std::string& failed() const { return failed_; }

 private:
  std::mutex mutex_;
  int left_;
  std::string failed_;
};

Result<RestoreOutcome> apply_latest(const Fixture& fixture, const RestoreOptions& options, io::Gate* gate = nullptr) {
  auto plan = plan_restore(fixture.replica, {}, {});
  if (!plan) return pass(plan);
  return restore::apply(fixture.replica, *plan, options, {}, gate);
}

ByteVector bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

}  // namespace

TEST_CASE("what the peer wrote is restored as the peer restores it, byte for byte") {
  const auto name = GENERATE(from_range(golden_names()));
  const int parallelism = GENERATE(1, 8);
  INFO(name);
  Fixture fixture;
  load_golden(*fixture.backend, name);
  const auto outcome = restore_database(
      fixture.replica, {},
      {.output = fixture.output, .parallelism = parallelism, .integrity_check = IntegrityCheck::full}, {});
  REQUIRE(error_of(outcome) == "no error");
  CHECK(read_file(fixture.output) == read_file(golden(name) / "restored.db"));
  CHECK(names_in(fixture.dir.path()) == std::vector<std::string>{"out.db"});
  CHECK(std::uint64_t{outcome->commit} * outcome->page_size == fs::file_size(fixture.output));
  CHECK(sqlite_opinion(fixture.output) == "ok");
}

TEST_CASE("a replica in a directory is restored too") {
  const auto name = GENERATE(from_range(golden_names()));
  Fixture fixture;
  const auto root = fixture.dir / "replica";
  fs::copy(golden(name) / "replica", root, fs::copy_options::recursive);
  const Replica replica(make_file_backend({.root = root}), "");
  REQUIRE(restore_database(replica, {}, fixture.options(), {}));
  CHECK(read_file(fixture.output) == read_file(golden(name) / "restored.db"));
}

TEST_CASE("every transaction that can be planned gives a sound database") {
  const auto name = GENERATE(from_range(golden_names()));
  Fixture fixture;
  load_golden(*fixture.backend, name);
  auto last = fixture.replica.last_txid({});
  REQUIRE(last);
  int restored = 0;
  for (TxId txid{1}; txid <= *last; txid = txid.next()) {
    INFO(name << " " << txid.text());
    auto options = fixture.options();
    options.output = fixture.dir / (txid.text() + ".db");
    options.integrity_check = IntegrityCheck::quick;
    const auto outcome = restore_database(fixture.replica, {.txid = txid}, options, {});
    if (!outcome) {
      CHECK(error_of(outcome) == "not_found: no matching backup files available");
      continue;
    }
    ++restored;
    CHECK(outcome->txid == txid);
    CHECK(sqlite_opinion(options.output) == "ok");
  }
  CHECK(restored >= 6);
}

TEST_CASE("a point in time goes by the headers, whatever the store says about times") {
  Fixture fixture;
  load_golden(*fixture.backend, "0.5.17-ps4096", Timestamp{std::chrono::hours{24 * 365 * 100}});
  auto files = fixture.replica.list(0, TxId{1}, {}, Replica::Times::from_headers);
  REQUIRE(files);
  REQUIRE(files->size() >= 3);
  for (std::size_t i = 0; i < files->size(); ++i) {
    const auto time = (*files)[i].created_at;
    for (const auto& [before, expected] : {std::pair{time, i}, {time + std::chrono::milliseconds{1}, i + 1}}) {
      INFO("before " << to_rfc3339(before));
      auto options = fixture.options();
      options.force = true;
      const auto outcome = restore_database(fixture.replica, {.before = before}, options, {});
      if (expected == 0) {
        CHECK(error_of(outcome) == "not_found: no matching backup files available");
        continue;
      }
      REQUIRE(error_of(outcome) == "no error");
      CHECK(outcome->txid == (*files)[expected - 1].range.max);
      CHECK(sqlite_opinion(fixture.output) == "ok");
    }
  }
}

TEST_CASE("an output that is in use is refused with the known words") {
  Fixture fixture;
  load_golden(*fixture.backend, "0.5.17-ps512");
  const std::string path = fixture.output;
  auto refused = [&] { return error_of(restore_database(fixture.replica, {}, fixture.options(), {})); };
  SECTION("a database") {
    write_text(path, "mine");
    CHECK(refused() == "already_exists: cannot restore, output path already exists and is not empty: " + path +
                           ". Use -force to overwrite");
    CHECK(read_file(path) == bytes_of("mine"));
  }
  SECTION("a directory, even with force") {
    fs::create_directory(path);
    CHECK(refused() == "invalid_argument: cannot restore, output path is a directory: " + path);
    auto options = fixture.options();
    options.force = true;
    CHECK(error_of(restore_database(fixture.replica, {}, options, {})) ==
          "invalid_argument: cannot restore, output path is a directory: " + path);
  }
  SECTION("a sidecar, with an empty database or without") {
    const std::string suffix = GENERATE("-wal", "-shm", "-journal");
    if (GENERATE(true, false)) write_text(path, "");
    write_text(path + suffix, "frames");
    CHECK(refused() == "already_exists: cannot restore, SQLite sidecar path already exists: " + path + suffix +
                           ". Use -force to overwrite");
    CHECK(read_file(path + suffix) == bytes_of("frames"));
  }
  SECTION("no name at all") {
    CHECK(error_of(restore_database(fixture.replica, {}, {.output = ""}, {})) ==
          "invalid_argument: cannot restore, output path is empty");
  }
  CHECK(!fs::exists(path + ".tmp"));
}

TEST_CASE("an empty file is overwritten, parents are made, the mode is that of a new file") {
  Fixture fixture;
  load_golden(*fixture.backend, "0.5.17-ps512");
  auto options = fixture.options();
  if (GENERATE(true, false)) {
    write_text(options.output, "");
    fs::permissions(options.output, fs::perms::owner_read);
  } else {
    options.output = fixture.dir / "some/new/folder/out.db";
  }
  const mode_t before = ::umask(0027);
  const auto outcome = restore_database(fixture.replica, {}, options, {});
  ::umask(before);
  REQUIRE(error_of(outcome) == "no error");
  struct stat status{};
  REQUIRE(::stat(options.output.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0640U);
}

TEST_CASE("force replaces the database and takes its sidecars away") {
  Fixture fixture;
  load_golden(*fixture.backend, "0.5.17-ps512");
  for (const std::string suffix : {"", "-wal", "-shm", "-journal"}) write_text(fixture.output + suffix, "old");
  auto options = fixture.options();
  options.force = true;
  REQUIRE(error_of(apply_latest(fixture, options)) == "no error");
  CHECK(names_in(fixture.dir.path()) == std::vector<std::string>{"out.db"});
  CHECK(read_file(fixture.output) == read_file(golden("0.5.17-ps512") / "restored.db"));
}

TEST_CASE("every effect on the disk fails once: no new output, no temp file") {
  const bool force = GENERATE(false, true);
  const std::vector<std::string> old_names = {"out.db", "out.db-journal", "out.db-shm", "out.db-wal"};
  int nth = 1;
  for (bool met = true; met; ++nth) {
    Fixture fixture;
    load_golden(*fixture.backend, "0.5.17-ps512");
    if (force) {
      for (const auto& name : old_names) write_text(fixture.dir / name, name);
    }
    auto options = fixture.options();
    options.force = force;
    FailNth gate(nth);
    const auto outcome = apply_latest(fixture, options, &gate);
    met = !gate.failed().empty();
    INFO("effect " << nth << ": " << gate.failed() << ": " << error_of(outcome));
    if (outcome) {
      // Only clearing up behind a finished restore may fail silently.
      CHECK((!met || gate.failed() == "remove"));
      CHECK(sqlite_opinion(fixture.output) == "ok");
      continue;
    }
    REQUIRE(met);
    CHECK(contains(outcome.error().message, "injected"));
    CHECK(!fs::exists(fixture.output + ".tmp"));
    if (!force) {
      CHECK(names_in(fixture.dir.path()).empty());
    } else if (read_file(fixture.output) == bytes_of("out.db")) {
      // The old database with all that belongs to it.
      CHECK(names_in(fixture.dir.path()) == old_names);
      for (const auto& name : old_names) CHECK(read_file(fixture.dir / name) == bytes_of(name));
    } else {
      // The new one, with nothing that belonged to the old: the last fsync of the directory failed.
      CHECK(gate.failed() == "sync_dir");
      CHECK(!fs::exists(fixture.output + "-wal"));
      CHECK(sqlite_opinion(fixture.output) == "ok");
    }
  }
  CHECK(nth > 8);
}

TEST_CASE("a crash at any effect never leaves the new database beside an old sidecar") {
  // After the crash nothing happens any more: a gate that refuses everything from the nth effect on.
  class Crash final : public io::Gate {
   public:
    explicit Crash(int nth) : left_(nth) {}
    std::optional<Error> before(std::string_view, std::string_view) override {
      const std::lock_guard lock(mutex_);
      if (left_ > 0) --left_;
      if (left_ > 0) return {};
      crashed = true;
      return Error{.code = Errc::io, .message = "crashed"};
    }
    std::atomic<bool> crashed = false;

   private:
    std::mutex mutex_;
    int left_;
  };
  int nth = 1;
  for (bool crashed = true; crashed; ++nth) {
    Fixture fixture;
    load_golden(*fixture.backend, "0.5.17-ps512");
    for (const std::string suffix : {"", "-wal", "-shm", "-journal"}) write_text(fixture.output + suffix, "old");
    auto options = fixture.options();
    options.force = true;
    Crash gate(nth);
    const auto outcome = apply_latest(fixture, options, &gate);
    crashed = gate.crashed;
    INFO("effect " << nth << ": " << error_of(outcome));
    const bool is_new = read_file(fixture.output) != bytes_of("old");
    for (const std::string suffix : {"-wal", "-journal", "-shm"}) {
      if (is_new) CHECK(!fs::exists(fixture.output + suffix));
    }
    if (outcome) CHECK(is_new);
  }
  CHECK(nth > 8);
}

TEST_CASE("every call to the store fails once: nothing is left, and the next try succeeds") {
  const auto code = GENERATE(Errc::unavailable, Errc::permission_denied, Errc::not_found);
  int nth = 1;
  for (bool met = true; met; ++nth) {
    Fixture fixture;
    load_golden(*fixture.backend, "0.5.17-ps4096");
    std::atomic<int> left = nth;
    met = false;
    auto plan = [&](std::string_view operation, std::string_view) -> std::optional<Fault> {
      if (--left != 0) return {};
      met = true;
      return Fault{.error = {.code = code, .message = "injected at " + std::string(operation)}};
    };
    const Replica replica(make_faulty_backend(fixture.backend, plan), "");
    auto planned = plan_restore(replica, {}, {});
    const auto outcome = planned ? apply_restore(replica, *planned, fixture.options(), {}) : pass(planned);
    INFO("call " << nth << ": " << error_of(outcome));
    REQUIRE(outcome.has_value() == !met);
    if (outcome) continue;
    CHECK(outcome.error().code == code);
    CHECK(contains(outcome.error().message, "injected"));
    CHECK(names_in(fixture.dir.path()).empty());
    CHECK(restore_database(replica, {}, fixture.options(), {}));
  }
  CHECK(nth > 12);
}

TEST_CASE("a file merged and pruned after planning makes a new plan") {
  Fixture fixture;
  load_golden(*fixture.backend, "0.5.17-ps4096");
  auto plan = plan_restore(fixture.replica, {}, {});
  REQUIRE(plan);
  const auto gone = plan->files.back();
  REQUIRE(plan->files.size() >= 2);
  std::atomic<bool> pruned = false;
  // Compaction wrote a level-2 file of the same range, retention removed the smaller one.
  auto prune = [&](std::string_view operation, std::string_view key) -> std::optional<Fault> {
    if (operation != "get" || key != fixture.replica.key(gone.level, gone.range) || pruned.exchange(true)) return {};
    const auto bytes = read_file(golden("0.5.17-ps4096") / "replica" / std::string(key));
    MemorySource body(bytes);
    CHECK(fixture.backend->put(fixture.replica.key(2, gone.range), body, {}, {}));
    CHECK(fixture.backend->remove(key, {}));
    return {};
  };
  const Replica replica(make_faulty_backend(fixture.backend, prune), "");
  REQUIRE(error_of(restore_database(replica, {}, fixture.options(), {})) == "no error");
  CHECK(pruned);
  CHECK(read_file(fixture.output) == read_file(golden("0.5.17-ps4096") / "restored.db"));
}

TEST_CASE("a file that is listed but never there ends in an error, not in a loop") {
  Fixture fixture;
  load_golden(*fixture.backend, "0.5.17-ps4096");
  int gets = 0;
  auto missing = [&](std::string_view operation, std::string_view) -> std::optional<Fault> {
    if (operation != "get") return {};
    ++gets;
    return Fault{.error = {.code = Errc::not_found, .message = "no such object"}};
  };
  const Replica replica(make_faulty_backend(fixture.backend, missing), "");
  CHECK(error_of(restore_database(replica, {}, fixture.options(), {})).starts_with("not_found: "));
  CHECK(gets == 2);
}

TEST_CASE("a caller who gives up gets nothing and finds nothing") {
  Fixture fixture;
  load_golden(*fixture.backend, "0.5.17-ps4096");
  auto plan = plan_restore(fixture.replica, {}, {});
  REQUIRE(plan);
  std::stop_source stop;
  auto options = fixture.options();
  SECTION("while files are read, even the last one") {
    const std::size_t when = GENERATE(0U, 1U, 2U);
    options.parallelism = 1;
    options.on_progress = [&](const RestoreProgress& now) {
      if (now.files_done >= std::min(when, now.files_total)) stop.request_stop();
    };
    CHECK(error_of(apply_restore(fixture.replica, *plan, options, {.stop = stop.get_token()}))
              .starts_with("cancelled: "));
  }
  SECTION("by time") {
    const auto past = SystemClock().steady() - std::chrono::seconds{1};
    CHECK(error_of(apply_restore(fixture.replica, *plan, options, {.deadline = past})).starts_with("timed_out: "));
  }
  CHECK(names_in(fixture.dir.path()).empty());
}

TEST_CASE("a damaged database is not published when the check is asked for") {
  Fixture fixture;
  const std::string output = fixture.dir / "an odd name?#%41 'é\".db";
  auto bytes = read_file(golden("0.5.17-ps512") / "restored.db");
  auto put = [&] {
    Pages pages;
    for (std::size_t at = 0; at < bytes.size(); at += 512) {
      const auto from = bytes.begin() + static_cast<std::ptrdiff_t>(at);
      pages[static_cast<PageNo>(at / 512 + 1)] = ByteVector(from, from + 512);
    }
    fixture.put(9, header(1, 1, static_cast<std::uint32_t>(pages.size()), 512), pages);
  };
  const auto kind = GENERATE(IntegrityCheck::quick, IntegrityCheck::full);
  const RestoreOptions options{.output = output, .integrity_check = kind};
  SECTION("sound") {
    put();
    CHECK(error_of(restore_database(fixture.replica, {}, options, {})) == "no error");
    CHECK(names_in(fixture.dir.path()).size() == 1);
    CHECK(read_file(output) == bytes);
  }
  SECTION("a page of rubbish, or no database at all") {
    const auto from = GENERATE(512, 0);
    std::fill(bytes.begin() + from, bytes.begin() + from + 512, std::byte{0xaa});
    put();
    const auto outcome = restore_database(fixture.replica, {}, options, {});
    CHECK(error_of(outcome).starts_with("corrupt: post-restore integrity check: "));
    CHECK(names_in(fixture.dir.path()).empty());
    CHECK(restore_database(fixture.replica, {}, {.output = output}, {}));
  }
}

TEST_CASE("a second restore to the same output is refused while the first runs") {
  Fixture fixture;
  load_golden(*fixture.backend, "0.5.17-ps512");
  auto other = io::File::open(fixture.output + ".tmp", io::File::Mode::read_write);
  REQUIRE(other);
  auto locked = other->try_lock_exclusive();
  REQUIRE(locked);
  REQUIRE(*locked);
  CHECK(error_of(restore_database(fixture.replica, {}, fixture.options(), {})) ==
        "busy: another restore is writing " + fixture.output + ".tmp");
  CHECK(fs::exists(fixture.output + ".tmp"));
  other->close();
  CHECK(restore_database(fixture.replica, {}, fixture.options(), {}));
}

TEST_CASE("what a killed restore left is of no influence") {
  Fixture fixture;
  load_golden(*fixture.backend, "0.5.17-ps512");
  write_text(fixture.output + ".tmp", std::string(100'000, 'x'));
  REQUIRE(restore_database(fixture.replica, {}, fixture.options(), {}));
  CHECK(read_file(fixture.output) == read_file(golden("0.5.17-ps512") / "restored.db"));
}

TEST_CASE("a temp file taken away during the restore is not mistaken for a whole one") {
  Fixture fixture;
  load_golden(*fixture.backend, "0.5.17-ps512");
  auto options = fixture.options();
  options.parallelism = 1;
  options.on_progress = [&](const RestoreProgress&) { fs::remove(fixture.output + ".tmp"); };
  CHECK(!restore_database(fixture.replica, {}, options, {}));
  CHECK(names_in(fixture.dir.path()).empty());
}

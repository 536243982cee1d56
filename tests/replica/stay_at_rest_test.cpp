// Databases that rest stay so over a restart, unless anything at all has happened to their files meanwhile.
#include <fstream>
#include <random>

#include "rest_fixture.hpp"
#include "support/unnoticed.hpp"

using namespace rest_fixture;

namespace {

void touch(const std::string& path, std::chrono::milliseconds by) {
  fs::last_write_time(path, fs::last_write_time(path) + by);
}

}  // namespace

TEST_CASE("a database that rests stays at rest when the daemon is started again") {
  Scene s;
  s.fall_asleep();
  const DatabaseStatus before = s.database->status();
  SECTION("nothing happened") {}
  SECTION("the application closed it") { s.app.close(); }
  SECTION("somebody read it") {
    s.app.close();
    serialized(s.f.path);
  }
  SECTION("a log that nobody had written to was deleted") {
    s.app.close();
    fs::remove(s.f.path + "-wal");
    fs::remove(s.f.path + "-shm");
  }
  SECTION("several restarts") {
    for (int n = 0; n < 3; ++n) REQUIRE(s.stays_after_restart());
  }
  const auto wal = io::stamp_of(s.f.path + "-wal");
  REQUIRE(wal);
  int calls = 0;
  s.f.store.plan = [&](std::string_view, std::string_view) {
    ++calls;
    return std::optional<Fault>();
  };
  REQUIRE(s.stays_after_restart());
  CHECK(calls == 0);
  const DatabaseStatus now = s.database->status();
  CHECK(now.ready);
  CHECK(now.hibernating);
  CHECK(now.local_txid == before.local_txid);
  CHECK(now.replicated_txid == before.local_txid);
  CHECK(now.last_sync_at == before.last_sync_at);
  CHECK(now.database_bytes == before.database_bytes);
  CHECK(now.wal_bytes == (*wal ? (*wal)->size : 0));
  CHECK(now.lag_bytes == 0);
  CHECK_FALSE(now.behind_since);
  CHECK(s.database->resting());
  capture(*s.database);
  CHECK(s.database->resting());
  s.f.check_equal();

  s.app.close();
  s.app.open();
  s.app.insert();
  capture(*s.database);
  CHECK_FALSE(s.database->resting());
  CHECK(s.database->status().reanchors == 0);
  CHECK(s.database->captured() > before.local_txid);
  CHECK(s.database->replicated() == before.local_txid);
  CHECK(s.database->status().lag_bytes > 0);
  s.check_in_step();
}

TEST_CASE("a database that is open and quiet when the daemon ends is at rest when it is started again") {
  Scene s;
  s.start();
  s.settle();
  SECTION("when its replica has everything") {
    s.wait_for_old_files();
    CHECK(s.stays_after_restart());
    s.f.check_equal();
  }
  SECTION("not when its replica lacks something") {
    s.app.insert();
    capture(*s.database);
    s.f.store.plan = [](std::string_view, std::string_view) { return unavailable(); };
    CHECK_FALSE(s.database->ship({}));
    s.f.clock.pass(61s);
    capture(*s.database);
    s.wait_for_old_files();
    CHECK_FALSE(s.stays_after_restart());
    s.f.store.plan = {};
    s.check_in_step();
  }
}

TEST_CASE("whatever has happened to the files, the next start finds it") {
  Scene s;
  s.fall_asleep();
  const std::string wal = s.f.path + "-wal", copy = s.f.dir / "copy";
  SECTION("a commit") { s.app.insert(); }
  SECTION("a commit and a checkpoint, of the same size") {
    s.app.update(3);
    s.app.checkpoint();
  }
  SECTION("a commit, and the log is cut") {
    s.app.update(3);
    s.app.checkpoint("TRUNCATE");
  }
  SECTION("a commit, a checkpoint, and the log is gone") {
    s.app.update(3);
    s.app.close();
    CHECK_FALSE(fs::exists(wal));
  }
  SECTION("more log than before") {
    for (int n = 0; n < 5; ++n) s.app.insert();
  }
  SECTION("a commit of the last moment in a log that is deleted by hand") {
    s.app.close();
    s.app.open();
    s.app.insert();
    s.app.checkpoint();
    s.app.close();
    fs::remove(wal);
  }
  SECTION("the file is replaced") {
    s.app.close();
    fs::copy_file(s.f.path, copy);
    Application other(copy);
    other.update(4);
    other.close();
    fs::rename(copy, s.f.path);
  }
  SECTION("the file is replaced by its copy") {
    s.app.close();
    fs::copy_file(s.f.path, copy);
    fs::last_write_time(copy, fs::last_write_time(s.f.path));
    fs::rename(copy, s.f.path);
  }
  SECTION("another content with the size and times of before") {
    s.app.close();
    support::change_unnoticed(s.f.path);
  }
  SECTION("another log with the size and times of before") {
    const auto time = fs::last_write_time(wal);
    const auto size = fs::file_size(wal);
    s.app.update(5);
    CHECK(fs::file_size(wal) == size);
    fs::last_write_time(wal, time);
  }
  SECTION("a newer time") { touch(s.f.path, 1s); }
  SECTION("an older time") { touch(s.f.path, -1s); }
  SECTION("another time of the log") { touch(wal, 1s); }
  SECTION("the log is written outside of SQLite") {
    s.app.run("BEGIN; UPDATE t SET v = randomblob(1500)");
    s.app.run("ROLLBACK");
    touch(wal, 5ms);
  }
  SECTION("another journal") {
    s.app.run("PRAGMA journal_mode=delete");
    s.app.update(6);
  }
  SECTION("local files are gone") {
    for (const auto& name : names_in(s.f.meta + "/ltx/0")) fs::remove(s.f.meta + "/ltx/0/" + name);
  }
  SECTION("the last local file is gone") { fs::remove(s.f.meta + "/ltx/0/" + names_in(s.f.meta + "/ltx/0").back()); }
  SECTION("a local file of somebody else") { std::ofstream(s.f.meta + "/ltx/0/other") << "x"; }
  SECTION("all local state is gone") { fs::remove_all(s.f.meta); }
  SECTION("the mark is gone") { fs::remove(s.f.meta + "/wal-mark"); }
  SECTION("the mark is cut") { fs::resize_file(s.f.meta + "/wal-mark", engine::kWalMarkSize + 100); }
  CHECK_FALSE(s.stays_after_restart());
  s.check_in_step();
}

TEST_CASE("every step of staying at rest fails once, and nothing is lost") {
  for (std::uint64_t nth = 1;; ++nth) {
    support::FailLater gate;
    Scene s;
    s.gate = &gate;
    s.start();
    s.settle();
    gate.failing.emplace(nth);
    s.wait_for_old_files();
    std::ignore = s.database->rest({});
    const bool writes = nth % 2 == 0;
    s.database.reset();
    if (writes) s.app.update(7);
    s.start();
    auto rests = s.database->stay_at_rest({});
    if (!rests) rests = s.database->stay_at_rest({});
    if (writes) CHECK_FALSE((rests && *rests));
    if (rests && *rests) s.f.check_equal();
    if (auto captured = s.database->capture({}); !captured) capture(*s.database);
    if (auto shipped = s.database->ship({}); !shipped) ship(*s.database);
    const bool failed = gate.failing->fired();
    INFO("step " << nth << ": " << gate.failing->failed());
    gate.failing.reset();
    s.check_in_step();
    if (!failed) {
      CHECK(nth > 8);
      break;
    }
  }
}

TEST_CASE("whatever an application does between two runs, a database that stays at rest is what its replica holds") {
  const unsigned first = Catch::rngSeed();
  int rested = 0, opened = 0;
  for (unsigned seed = first; seed < first + 30; ++seed) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    const auto chance = [&](unsigned of) { return random() % of == 0; };
    Scene s;
    if (chance(2)) s.app.run("PRAGMA cache_size=3; PRAGMA cache_spill=1");
    s.start();
    for (int round = 0; round < 3; ++round) {
      s.settle();
      if (chance(3)) s.app.close(), s.app.open();
      s.rest();
      if (!chance(3)) s.wait_for_level_zero();
      s.database.reset();
      for (auto steps = random() % 4; steps > 0; --steps) {
        const int id = static_cast<int>(1 + random() % 30);
        switch (random() % 8) {
          case 0:
            s.app.close(), s.app.open();
            break;
          case 1:
            s.app.checkpoint(chance(2) ? "PASSIVE" : "TRUNCATE");
            break;
          case 2:
            s.app.run("BEGIN; UPDATE t SET v = randomblob(905) WHERE id < " + std::to_string(id) + "; ROLLBACK");
            break;
          case 3:
            serialized(s.f.path);
            break;
          case 4:
            if (chance(3)) s.app.run("VACUUM");
            break;
          case 5:
            s.app.insert();
            break;
          default:
            s.app.update(id);
        }
      }
      s.start();
      const bool stays = s.stays();
      ++(stays ? rested : opened);
      if (stays) s.f.check_equal();
      s.check_in_step();
      // The next one restarts the log: of a transaction that was rolled back frames can lie behind its end.
      s.app.insert();
    }
  }
  CHECK(rested > 10);
  CHECK(opened > 10);
}

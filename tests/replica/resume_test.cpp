// Letting go of a database, and coming back to whatever an application has done meanwhile.
#include <random>
#include <thread>

#include "capture_fixture.hpp"
#include "support/fail_nth.hpp"
#include "support/unnoticed.hpp"

using namespace capture_fixture;

namespace {

const std::string kPassive = "PRAGMA wal_checkpoint(PASSIVE)";
const std::string kInsert = "INSERT INTO t(v) VALUES (randomblob(2000))";

// A database of which everything is captured and backfilled.
struct Scene {
  Fixture f;
  Application app{f.path};
  std::unique_ptr<Fixture::Daemon> daemon;
  std::uint64_t anchors = 1;  // the first attach was one

  Scene() {
    app.run("CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB); " + kFill);
    daemon = f.daemon();
    settle();
  }
  void settle() {
    capture(daemon->capture);
    auto done = daemon->capture.checkpoint_easily();
    REQUIRE(done);
    CHECK(*done == Capture::Backfill::complete);
  }
  // Until the times of the files are old enough.
  void rest() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    for (;;) {
      auto left = daemon->capture.rest();
      INFO((left ? "" : left.error().message));
      REQUIRE(left);
      if (*left) break;
      REQUIRE(daemon->capture.attached());
      REQUIRE(std::chrono::steady_clock::now() < end);
      std::this_thread::yield();
    }
    REQUIRE_FALSE(daemon->capture.attached());
  }
  // As a daemon that has just started, or the one that rested. True when the database was not read.
  bool comes_back(bool anew) {
    if (anew) {
      daemon = f.daemon();
      anchors = 0;
    } else {
      auto attached = daemon->capture.attach();
      INFO((attached ? "" : attached.error().message));
      REQUIRE(attached);
    }
    f.check_equal();
    return std::exchange(anchors, daemon->capture.counters().anchors) == anchors;
  }
};

}  // namespace

TEST_CASE("what was committed while nobody looked is found without reading the database") {
  const bool anew = GENERATE(false, true);
  Scene s;
  s.rest();
  const TxId before = s.daemon->capture.last();
  bool found = true;
  SECTION("nothing") { found = false; }
  SECTION("nothing, and the application is gone") {
    s.app.close();
    found = false;
  }
  SECTION("a commit") { s.app.run(kInsert); }
  SECTION("many, which restart the log") {
    for (int n = 0; n < 20; ++n) s.app.run(kInsert + "; UPDATE t SET v = 'new' WHERE id = " + std::to_string(n + 1));
  }
  SECTION("a commit of another process into a new log") {
    s.app.close();
    Application other(s.f.path);
    other.run(kInsert);
    other.crash();
  }
  CHECK(s.comes_back(anew));
  CHECK((s.daemon->capture.last() > before) == found);
}

TEST_CASE("a database whose file was written to is compared") {
  const bool anew = GENERATE(false, true);
  Scene s;
  s.rest();
  SECTION("by a checkpoint") {
    s.app.run(kInsert + ";" + kPassive + "; UPDATE t SET v = 'in the new log' WHERE id = 3");
  }
  SECTION("by the last close") {
    s.app.run(kInsert);
    s.app.close();
  }
  SECTION("outside the log") { s.app.run("PRAGMA journal_mode=delete;" + kInsert + "; PRAGMA journal_mode=wal"); }
  SECTION("by a vacuum") { s.app.run("DELETE FROM t WHERE id % 2 = 0; VACUUM;" + kPassive); }
  SECTION("with the size and times of before") {
    s.app.close();
    support::change_unnoticed(s.f.path);
  }
  CHECK_FALSE(s.comes_back(anew));
}

TEST_CASE("a database is not let go of while something is under way") {
  Scene s;
  const auto stays = [&] {
    for (int n = 0; n < 200; ++n) {  // times settle meanwhile
      auto left = s.daemon->capture.rest();
      REQUIRE(left);
      if (*left) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return s.daemon->capture.attached();
  };
  SECTION("frames that are not backfilled") {
    s.app.run(kInsert);
    capture(s.daemon->capture);
    CHECK(stays());
  }
  SECTION("a commit that is not captured") {
    s.app.run(kInsert);
    CHECK(stays());
  }
  SECTION("a transaction that has spilled") {
    s.app.run("PRAGMA cache_size=3; PRAGMA cache_spill=1; BEGIN; UPDATE t SET v = randomblob(905)");
    CHECK(stays());
    s.app.run("COMMIT");
  }
  s.settle();
  s.rest();
  s.app.run(kInsert);
  CHECK(s.comes_back(false));
}

TEST_CASE("a mark of another boot proves nothing, nor does one of another file") {
  Scene s;
  s.rest();
  auto mark = engine::read_wal_mark(s.f.meta, nullptr);
  REQUIRE(mark);
  REQUIRE(*mark);
  REQUIRE((*mark)->untouched);
  s.app.close();  // the log goes, so that it cannot be the proof
  SECTION("boot") { ++(*mark)->boot; }
  SECTION("size") { ++(*mark)->untouched->size; }
  SECTION("time") { ++(*mark)->untouched->modified; }
  SECTION("kernel's time") { --(*mark)->untouched->changed; }
  REQUIRE(engine::write_wal_mark(s.f.meta, **mark, nullptr));
  CHECK_FALSE(s.comes_back(true));
}

TEST_CASE("every step of letting go and coming back fails once, and nothing is lost") {
  for (std::uint64_t nth = 1;; ++nth) {
    Scene s;
    s.daemon.reset();
    support::FailLater gate;
    s.daemon = s.f.daemon(&gate);
    s.app.run(kInsert);
    s.settle();
    gate.failing.emplace(nth);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    for (bool done = false; !done;) {
      auto left = s.daemon->capture.rest();
      done = !left || *left;
      REQUIRE(std::chrono::steady_clock::now() < end);
    }
    s.app.run(kInsert + "; UPDATE t SET v = 'new' WHERE id = 3");
    bool attached = s.daemon->capture.attached() || s.daemon->capture.attach();
    const bool failed = gate.failing->fired();
    INFO("step " << nth << ": " << gate.failing->failed());
    gate.failing.reset();
    if (!attached) REQUIRE(s.daemon->capture.attach());
    capture(s.daemon->capture);
    s.f.check_equal();
    if (!failed) {
      CHECK(nth > 10);
      break;
    }
  }
}

TEST_CASE("whatever an application does while a database rests, the files say what it holds") {
  const unsigned first = Catch::rngSeed();
  std::uint64_t proved = 0, compared = 0;
  for (unsigned seed = first; seed < first + 40; ++seed) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    const auto chance = [&](unsigned of) { return random() % of == 0; };
    Scene s;
    if (chance(2)) s.app.run("PRAGMA cache_size=3; PRAGMA cache_spill=1");
    for (int round = 0; round < 2; ++round) {
      s.rest();
      for (auto steps = random() % 6; steps > 0; --steps) {
        const std::string id = std::to_string(1 + random() % 60);
        switch (random() % 9) {
          case 0:
            s.app.run(kFill);
            break;
          case 1:
            s.app.run(chance(2) ? kPassive : "PRAGMA wal_checkpoint(TRUNCATE)");
            break;
          case 2:
            s.app.run("BEGIN; UPDATE t SET v = randomblob(905) WHERE id < " + id + "; ROLLBACK");
            break;
          case 3:
            s.app.run("DELETE FROM t WHERE id = " + id);
            break;
          case 4:
            if (chance(3)) s.app.run("VACUUM");
            break;
          case 5:
            for (const std::string& sql : {kInsert, std::string("PRAGMA wal_checkpoint(RESTART)"), kInsert})
              s.app.run(sql);
            break;
          default:
            s.app.run("UPDATE t SET v = randomblob(30) WHERE id < " + id);
        }
      }
      ++(s.comes_back(chance(3)) ? proved : compared);
      // The second one restarts the log: of a transaction that was rolled back frames can lie behind its end.
      for (int n = 0; n < 2; ++n) {
        s.app.run(kInsert);
        s.settle();
      }
      s.f.check_equal();
    }
  }
  CHECK(proved > 10);
  CHECK(compared > 10);
}

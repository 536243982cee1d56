// Without a pin for a moment, and what the application does in it.
#include <random>

#include "capture_fixture.hpp"
#include "engine/checkpoint_policy.hpp"
#include "support/fail_nth.hpp"

using namespace capture_fixture;
using Backfill = Capture::Backfill;

namespace {

struct Scene {
  Fixture f;
  Application app{f.path};
  std::unique_ptr<Fixture::Daemon> daemon;

  Scene() {
    app.run("CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB); " + kFill);
    daemon = f.daemon();
    // A tail to write into: what is captured now is far enough from the front of the log.
    for (int n = 0; n < 4; ++n) app.run(kFill);
    capture(daemon->capture);
  }

  // One look is enough for what `meanwhile` does.
  Backfill aside(const std::function<void()>& meanwhile, int looks = 1) {
    auto done = daemon->capture.step_aside(meanwhile, looks);
    INFO((done ? "" : done.error().message));
    REQUIRE(done);
    return *done;
  }
  // Captures what comes afterwards, through a restart, and compares.
  void goes_on() {
    REQUIRE(daemon->capture.flush());
    f.check_equal();
    for (int n = 0; n < 3; ++n) {
      app.run("UPDATE t SET v = 'later' WHERE id = 3; INSERT INTO t(v) VALUES (randomblob(3000))");
      capture(daemon->capture);
      f.check_equal();
      app.run("PRAGMA wal_checkpoint(PASSIVE)");
      REQUIRE(daemon->capture.swap());
    }
    f.check_equal();
  }
  std::uint64_t anchors() const { return daemon->capture.counters().anchors - 1; }  // the attach was one
  std::uint64_t restarts() const { return daemon->capture.counters().restarts_aside; }
};

const std::string kPassive = "PRAGMA wal_checkpoint(PASSIVE)";
const std::string kInsert = "INSERT INTO t(v) VALUES (randomblob(2000))";

// Frames of a transaction behind the end of the log that the wal-index does not count, as a writer leaves them that is
// killed between writing its commit frame and telling so.
void forge_commit(const std::string& path, PageNo page) {
  ByteVector log = read_file(path + "-wal");
  const auto header = parse_wal_header(log);
  REQUIRE(header);
  const std::uint64_t step = wal_frame_size(header->page_size);
  WalDecoder decoder(*header);
  std::uint32_t commit = 0;
  while (wal_offset(decoder.frames() + 1, header->page_size) <= log.size()) {
    const auto frame = decoder.next(Bytes(log).subspan(wal_offset(decoder.frames(), header->page_size), step));
    if (!frame) break;
    if (frame->commit != 0) commit = frame->commit;
  }
  ByteVector frame(step, std::byte{0x5a});
  const auto put = [&](std::size_t at, std::uint32_t value) {
    for (int n = 0; n < 4; ++n) frame[at + static_cast<std::size_t>(n)] = static_cast<std::byte>(value >> (24 - 8 * n));
  };
  put(0, page);
  put(4, commit);
  put(8, header->salts.one);
  put(12, header->salts.two);
  WalChecksum sum = wal_checksum(header->big_endian_checksum, *decoder.checksum(), Bytes(frame).first(8));
  sum = wal_checksum(header->big_endian_checksum, sum, Bytes(frame).subspan(kWalFrameHeaderSize));
  put(16, sum.s0);
  put(20, sum.s1);
  std::fstream file(path + "-wal", std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(wal_offset(decoder.frames(), header->page_size)));
  file.write(reinterpret_cast<const char*>(frame.data()), static_cast<std::streamsize>(frame.size()));
  REQUIRE(file.good());
}

}  // namespace

TEST_CASE("an application that does nothing meanwhile finds the log as it was") {
  Scene s;
  CHECK(s.aside([] {}, 3) == Backfill::behind_writers);
  CHECK(s.anchors() == 0);
  s.goes_on();
  CHECK(s.anchors() == 0);
}

TEST_CASE("a checkpoint of the application completes, and the log restarts behind a pin") {
  Scene s;
  CHECK(s.aside([&] { s.app.run(kInsert + ";" + kPassive); }) == Backfill::complete);
  CHECK(s.restarts() == 0);
  s.app.run("INSERT INTO t(v) VALUES ('restarts the log')");
  capture(s.daemon->capture);
  CHECK(s.daemon->capture.wal_frames() < 10);
  s.goes_on();
  CHECK(s.anchors() == 0);
}

TEST_CASE("what was committed before a restart without a pin is found behind the restarted log") {
  Scene s;
  const std::string checkpoint =
      GENERATE(as<std::string>{}, "PRAGMA wal_checkpoint(PASSIVE)", "PRAGMA wal_checkpoint(RESTART)");
  const TxId before = s.daemon->capture.last();
  CHECK(s.aside([&] {
    s.app.run(kInsert + "; UPDATE t SET v = 'in the old log' WHERE id = 3");
    s.app.run(checkpoint + "; UPDATE t SET v = 'in the new log' WHERE id IN (3, 9)");
  }) == Backfill::complete);
  CHECK(s.restarts() == 1);
  CHECK(s.anchors() == 0);
  CHECK(s.daemon->capture.last() == before);  // held
  REQUIRE(s.daemon->capture.flush());
  CHECK(s.daemon->capture.last() == before.next());
  s.goes_on();
  CHECK(s.anchors() == 0);
}

TEST_CASE("a restart without anything before it needs nothing") {
  Scene s;
  CHECK(s.aside([&] { s.app.run(kPassive + "; UPDATE t SET v = 'in the new log' WHERE id = 3"); }) ==
        Backfill::complete);
  CHECK(s.restarts() == 1);
  CHECK(s.anchors() == 0);
  s.goes_on();
}

TEST_CASE("a transaction that has begun to write when the log is restarted is not taken") {
  Scene s;
  s.app.run("PRAGMA cache_size=3; PRAGMA cache_spill=1");
  CHECK(s.aside([&] {
    s.app.run(kInsert + ";" + kPassive);
    s.app.run("BEGIN; UPDATE t SET v = randomblob(905) WHERE id < 30");  // spills into the restarted log
  }) == Backfill::complete);
  CHECK(s.restarts() == 1);
  CHECK(s.anchors() == 0);
  SECTION("and committed") { s.app.run("COMMIT"); }
  SECTION("and rolled back") { s.app.run("ROLLBACK"); }
  capture(s.daemon->capture);
  s.goes_on();
  CHECK(s.anchors() == 0);
}

TEST_CASE("without a proof the database is compared, and stepping aside is put off") {
  Scene s;
  std::function<void()> meanwhile;
  SECTION("the new log has overwritten the end of the old one") {
    meanwhile = [&] {
      s.app.run(kInsert + ";" + kPassive);
      for (int n = 0; n < 6; ++n) s.app.run(kFill);
    };
  }
  SECTION("two restarts") {
    meanwhile = [&] {
      for (const auto& sql : {kInsert, kPassive, kInsert, kPassive}) s.app.run(sql);
      s.app.run(kInsert);
    };
  }
  SECTION("a truncated log") {
    meanwhile = [&] { s.app.run(kInsert + "; PRAGMA wal_checkpoint(TRUNCATE);" + kInsert); };
  }
  SECTION("a log cut to a limit") {
    meanwhile = [&] { s.app.run("PRAGMA journal_size_limit=9000;" + kInsert + ";" + kPassive + ";" + kInsert); };
  }
  SECTION("frames of a transaction that was rolled back lie behind the end") {
    s.app.run("PRAGMA cache_size=3; PRAGMA cache_spill=1");
    meanwhile = [&] {
      s.app.run("BEGIN; UPDATE t SET v = randomblob(905) WHERE id < 200; ROLLBACK");
      s.app.run("INSERT INTO t(v) VALUES ('x');" + kPassive + ";" + kInsert);
    };
  }
  SECTION("unsummed frames") {
    if (sqlite3_libversion_number() >= 3'050'000) return;
    meanwhile = [&] {
      rewrite_and_roll_back(s.app);
      s.app.run(kInsert + ";" + kPassive + ";" + kInsert);
    };
  }
  SECTION("a commit that never came to count") {
    meanwhile = [&] {
      forge_commit(s.f.path, 5);
      s.app.run(kPassive + "; UPDATE t SET v = 'x' WHERE id = 250");
    };
  }
  s.aside(meanwhile);
  CHECK(s.restarts() == 1);
  CHECK(s.anchors() == 1);
  s.f.check_equal();
  s.goes_on();
  bool again = false;
  CHECK(s.aside([&] { again = true; }) == Backfill::behind_writers);
  CHECK_FALSE(again);
  s.f.clock.pass(std::chrono::seconds(11));
  CHECK(s.aside([&] {
    again = true;
    s.app.run(kInsert + "; PRAGMA wal_checkpoint(TRUNCATE);" + kInsert);
  }) == Backfill::complete);
  CHECK(again);
  CHECK(s.anchors() == 2);
  s.f.check_equal();
  s.f.clock.pass(std::chrono::seconds(11));  // longer this time
  again = false;
  s.aside([&] { again = true; });
  CHECK_FALSE(again);
  s.f.clock.pass(std::chrono::seconds(11));
  s.aside([&] { again = true; });
  CHECK(again);
}

TEST_CASE("a reader of the application holds back its checkpoint, not us") {
  Scene s;
  Application reader(s.f.path);
  reader.run("BEGIN; SELECT count(*) FROM t");
  CHECK(s.aside([&] { s.app.run(kInsert + ";" + kPassive); }, 3) == Backfill::behind_writers);
  CHECK(s.anchors() == 0);
  reader.run("COMMIT");
  s.goes_on();
  CHECK(s.anchors() == 0);
}

TEST_CASE("the pin moves ahead of what is captured, and nothing behind it is lost") {
  Scene s;
  // The pin of a log that was wholly backfilled: nothing of the next generation is.
  REQUIRE(s.daemon->capture.checkpoint_easily());
  const auto ahead = [&] {
    auto done = s.daemon->capture.backfill_ahead();
    REQUIRE(done);
    return *done;
  };
  CHECK_FALSE(ahead());  // nothing to backfill
  s.app.run(kInsert + "; UPDATE t SET v = 'not captured' WHERE id = 3");
  const auto frames = s.app.checkpoint();
  CHECK(frames.log > 0);
  CHECK(frames.backfilled == 0);
  CHECK(ahead());
  CHECK_FALSE(ahead());  // once is enough
  CHECK(s.app.checkpoint().backfilled == frames.log);

  // All is backfilled, yet the log is not restarted under what is not captured.
  s.app.run("UPDATE t SET v = 'not captured either' WHERE id = 4");
  CHECK(s.app.checkpoint().log > frames.log);
  capture(s.daemon->capture);
  s.f.check_equal();
  s.goes_on();
  CHECK(s.anchors() == 0);
}

TEST_CASE("every step of moving the pin ahead fails once, and nothing is lost") {
  for (std::uint64_t nth = 1;; ++nth) {
    Scene s;
    s.daemon.reset();
    support::FailLater gate;
    s.daemon = s.f.daemon(&gate);
    REQUIRE(s.daemon->capture.checkpoint_easily());
    s.app.run(kInsert + "; UPDATE t SET v = 'new' WHERE id = 3");
    gate.failing.emplace(nth);
    const auto done = s.daemon->capture.backfill_ahead();
    const bool failed = gate.failing->fired();
    INFO("step " << nth << ": " << gate.failing->failed());
    gate.failing.reset();
    CHECK(done.has_value() != failed);
    s.app.run(kPassive + "; UPDATE t SET v = 'newer' WHERE id = 9");
    capture(s.daemon->capture);
    s.f.check_equal();
    s.goes_on();
    if (!failed) {
      CHECK(nth > 3);
      break;
    }
  }
}

TEST_CASE("an application that does not checkpoint is left alone until its log has twice the length") {
  Scene s;
  while (s.daemon->capture.wal_frames() < 1000) {
    s.app.run(kFill);
    capture(s.daemon->capture);
  }
  const std::uint64_t before = s.daemon->capture.wal_frames();
  const auto looks_at = [&](const std::function<void()>& meanwhile) {
    int looks = 0;
    CHECK(s.aside([&] { ++looks, meanwhile(); }, 10) == Backfill::behind_writers);
    REQUIRE(s.daemon->capture.flush());
    return looks;
  };
  CHECK(looks_at([] {}) == 80);  // it does not write: that says nothing
  CHECK(looks_at([&] { s.app.run(kInsert); }) == 10);
  CHECK(looks_at([&] { s.app.run(kInsert); }) == 0);
  while (s.daemon->capture.wal_frames() < 2 * before + 100) {
    s.app.run(kFill);
    capture(s.daemon->capture);
  }
  CHECK(looks_at([&] { s.app.run(kInsert); }) == 10);
  s.goes_on();
  CHECK(s.anchors() == 0);
}

TEST_CASE("every step of stepping aside fails once, and nothing is lost") {
  for (std::uint64_t nth = 1;; ++nth) {
    Scene s;
    s.daemon.reset();
    support::FailLater gate;
    s.daemon = s.f.daemon(&gate);
    for (int n = 0; n < 3; ++n) s.app.run(kFill);
    capture(s.daemon->capture);
    gate.failing.emplace(nth);
    const auto done = s.daemon->capture.step_aside(
        [&] {
          for (const auto& sql : {kInsert, kPassive}) s.app.run(sql);
          s.app.run("UPDATE t SET v = 'new' WHERE id = 3");
        },
        1);
    if (done && s.daemon->capture.attached()) static_cast<void>(s.daemon->capture.flush());
    const bool failed = gate.failing->fired();
    INFO("step " << nth << ": " << gate.failing->failed());
    gate.failing.reset();
    if (!s.daemon->capture.attached()) REQUIRE(s.daemon->capture.attach());
    capture(s.daemon->capture);
    s.f.check_equal();
    if (!failed) {
      CHECK(done);
      CHECK(nth > 10);
      break;
    }
  }
}

TEST_CASE("whatever an application does while nobody pins its log, the files say what the database holds") {
  const unsigned first = Catch::rngSeed();
  std::uint64_t restarts = 0, anchors = 0;
  for (unsigned seed = first; seed < first + 60; ++seed) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    const auto chance = [&](unsigned of) { return random() % of == 0; };
    Scene s;
    if (chance(2)) s.app.run("PRAGMA cache_size=3; PRAGMA cache_spill=1");
    if (chance(4)) s.app.run("PRAGMA journal_size_limit=100000");
    const auto act = [&] {
      const std::string id = std::to_string(1 + random() % 300);
      switch (random() % 12) {
        case 0:
          return s.app.run(kFill);
        case 1:
          return s.app.run("PRAGMA wal_checkpoint(RESTART)");
        case 2:
          return chance(3) ? s.app.run("PRAGMA wal_checkpoint(TRUNCATE)") : s.app.run(kPassive);
        case 3:
          return s.app.run("BEGIN; UPDATE t SET v = randomblob(905) WHERE id < " + id + "; ROLLBACK");
        case 4:
          return s.app.run("DELETE FROM t WHERE id > " + id + " AND id % 5 = 0");
        case 5:
          return chance(4) ? s.app.run("VACUUM") : s.app.run(kInsert);
        case 6:
          return s.app.run("UPDATE t SET v = randomblob(30) WHERE id < " + id);
        case 7:
        case 8:
          return s.app.run(kPassive);
        default:
          return s.app.run("UPDATE t SET v = randomblob(900) WHERE id = " + id);
      }
    };
    for (int round = 0; round < 12; ++round) {
      for (auto n = random() % 4; n > 0; --n) act();
      s.aside(
          [&] {
            for (auto n = random() % 4; n > 0; --n) act();
          },
          2);
      capture(s.daemon->capture);
      s.f.check_equal();
      if (chance(3)) REQUIRE(s.daemon->capture.checkpoint_easily());
      for (auto n = random() % 3; n > 0; --n) act();
      if (chance(2)) REQUIRE(s.daemon->capture.backfill_ahead());
      for (auto n = random() % 3; n > 0; --n) act();
      capture(s.daemon->capture);
      s.f.check_equal();
    }
    restarts += s.restarts();
    anchors += s.anchors();
  }
  CHECK(restarts > anchors);
}

TEST_CASE("a commit is waited for as long as was said") {
  Scene s;
  Capture& capture = s.daemon->capture;
  int pauses = 0;
  const auto waited = [&](const std::string& third) {
    pauses = 0;
    const auto came = capture.await_commit(
        [&] {
          if (++pauses == 3) s.app.run(third);
        },
        5);
    REQUIRE(came);
    return *came;
  };
  CHECK(waited(kInsert));
  CHECK(pauses == 3);
  CHECK_FALSE(waited("SELECT count(*) FROM t"));
  CHECK(pauses == 5);
  // The log begins anew, and is as long as before.
  capture_fixture::capture(capture);
  REQUIRE(capture.checkpoint_easily());
  const auto frames = [&] { return fs::file_size(s.f.path + "-wal"); };
  const auto before = frames();
  CHECK(waited(kInsert));
  CHECK(pauses == 3);
  CHECK(frames() == before);
  capture_fixture::capture(capture);
  s.goes_on();
}

TEST_CASE("an attempt in vain to checkpoint a short log says nothing of stepping aside") {
  // Commits before whatever we ask of SQLite: no checkpoint is ever complete.
  struct Restless final : io::Gate {
    std::function<void()> commit;
    std::optional<Error> before(std::string_view operation, std::string_view) override {
      if (commit && operation != "close") commit();
      return std::nullopt;
    }
  };
  Restless gate;
  Fixture f;
  Application app(f.path);
  app.run("CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB); " + kFill);
  auto daemon = f.daemon(&gate);
  gate.commit = [&] { app.run(kInsert); };
  auto done = daemon->capture.checkpoint_easily();
  REQUIRE(done);
  CHECK(*done == Backfill::behind_writers);
  CHECK(daemon->capture.helps_to_step_aside());
  // Of a long one it does: stepping aside was the next thing to try.
  gate.commit = {};
  while (daemon->capture.wal_frames() < engine::kAutocheckpointFrames) {
    app.run(kInsert);
    capture(daemon->capture);
  }
  gate.commit = [&] { app.run(kInsert); };
  done = daemon->capture.checkpoint_easily();
  REQUIRE(done);
  CHECK(*done == Backfill::behind_writers);
  CHECK_FALSE(daemon->capture.helps_to_step_aside());
  gate.commit = {};
  capture(daemon->capture);
  f.check_equal();
}

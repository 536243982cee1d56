// Between two captures of a busy database: when the next step is due.
#include <sqlite3.h>

#include <functional>
#include <optional>

#include "engine_fixture.hpp"

using namespace engine_fixture;
using namespace std::chrono_literals;

namespace {

struct Frames {
  int log = 0, backfilled = 0;
};

// As an application finds it when it checkpoints after a commit.
Frames frames_of(const std::string& path) {
  Frames frames;
  sqlite3* db = nullptr;
  sqlite3_open(path.c_str(), &db);
  sqlite3_exec(db, "PRAGMA user_version", nullptr, nullptr, nullptr);
  sqlite3_wal_checkpoint_v2(db, nullptr, SQLITE_CHECKPOINT_PASSIVE, &frames.log, &frames.backfilled);
  sqlite3_close(db);
  return frames;
}

// Commits before each checkpoint of ours, so that none is complete.
struct NoGaps final : io::Gate {
  std::function<void()> commit;
  std::function<void()> while_aside = [] {};  // between the end of the read transaction and the beginning of the next
  int checkpoints = 0, statements = 0;        // statements: since the last of those
  std::optional<Error> before(std::string_view operation, std::string_view) override {
    if (!commit) return std::nullopt;
    if (operation == "checkpoint") {
      ++checkpoints;
      statements = 0;
      commit();
    }
    // After four attempts and the swap of the last.
    if (operation == "sql" && checkpoints == 4 && ++statements == 4) while_aside();
    return std::nullopt;
  }
};

// Attached to a short log, which then has grown to nearly 1,000 frames in that time.
std::unique_ptr<engine::Database> beside_long_log(Fixture& f, Application& app, io::Gate* gate,
                                                  std::chrono::milliseconds time) {
  app.fill(20);
  auto daemon = f.daemon(gate);
  capture(*daemon);
  f.clock.pass(time);
  while (fs::file_size(f.path + "-wal") < 980 * wal_frame_size(4096)) app.update(1);
  return daemon;
}

// In vain at first; then it steps aside, and the application's checkpoint comes to its end in that time.
engine::Database::Captured tend_without_gaps(engine::Database& daemon, Application& app, NoGaps& gate,
                                             const std::string& path) {
  gate.commit = [&] { app.update(1); };
  std::optional<Frames> checkpointed;
  gate.while_aside = [&, more = gate.while_aside] {
    checkpointed = frames_of(path);
    more();
  };
  const auto tended = daemon.tend({});
  REQUIRE(tended);
  REQUIRE(daemon.status().steps_aside == 1);
  REQUIRE(checkpointed);
  REQUIRE(checkpointed->backfilled == checkpointed->log);
  gate.commit = {};
  gate.while_aside = [] {};
  return *tended;
}

}  // namespace

TEST_CASE("the time in which a writer checkpoints does not count for how fast its log grows") {
  Fixture f;
  NoGaps gate;
  Application app(f.path);
  auto daemon = beside_long_log(f, app, &gate, 500ms);

  gate.while_aside = [&] { f.clock.pass(60ms); };
  tend_without_gaps(*daemon, app, gate, f.path);
  // Some 980 frames took half a second. As commits left no gap this log may get 2,000, but for the time that a step is
  // begun ahead.
  app.update(1);
  const auto tended = daemon->tend({});
  REQUIRE(tended);
  REQUIRE(tended->tend_in);
  CHECK(*tended->tend_in > 900ms);
  CHECK(*tended->tend_in < 1100ms);
}

TEST_CASE("a log whose writers leave no gap may get twice as long, and the application's own attempts find nothing") {
  Fixture f;
  NoGaps gate;
  Application app(f.path);
  auto daemon = beside_long_log(f, app, &gate, 500ms);
  REQUIRE(tend_without_gaps(*daemon, app, gate, f.path).tend_in == 20ms);
  const auto frames = [&] { return frames_of(f.path); };
  while (frames().log > 900) app.update(1);  // it is begun anew
  REQUIRE(daemon->tend({}));
  const int ahead = frames().backfilled;
  CHECK(ahead > 0);

  capture(*daemon);  // status() tells of what was before
  const auto passive = daemon->status().checkpoints_passive;
  f.clock.pass(500ms);
  while (frames().log < 1'500) app.update(1);
  CHECK(frames().backfilled == ahead);
  auto tended = daemon->tend({});
  REQUIRE(tended);
  REQUIRE(tended->tend_in);
  CHECK(*tended->tend_in > 20ms);
  CHECK(*tended->tend_in < 500ms);
  capture(*daemon);  // knows that tend() comes before the next one
  CHECK(daemon->status().steps_aside == 1);
  CHECK(daemon->status().checkpoints_passive == passive);

  SECTION("then it is time") {
    while (frames().log < 1'990) app.update(1);
    REQUIRE(daemon->tend({}));
    CHECK(daemon->status().checkpoints_passive + daemon->status().steps_aside > passive + 1);
  }
  SECTION("but not when it has stopped growing so fast") {
    f.clock.pass(20s);
    app.update(1);
    REQUIRE(daemon->tend({}));
    app.update(1);
    capture(*daemon);
    CHECK(daemon->status().checkpoints_passive > passive);
    CHECK(frames().backfilled == frames().log);
  }
  sync(*daemon);
  f.check_equal();
}

TEST_CASE("a log is checkpointed between two commits where they leave a gap, and that counts for checkpoint-interval") {
  Fixture f;
  Application app(f.path);
  auto daemon = beside_long_log(f, app, nullptr, 2s);
  REQUIRE(daemon->tend({}));
  CHECK(daemon->status().steps_aside == 0);
  const auto before = daemon->status().checkpoints_passive;
  CHECK(before == 1);
  app.update(1);
  CHECK(fs::file_size(f.path + "-wal") < 1000 * wal_frame_size(4096));  // begun anew
  f.clock.pass(59s);
  app.update(1);
  capture(*daemon);
  CHECK(daemon->status().checkpoints_passive == before);
  f.clock.pass(2s);
  app.update(1);
  capture(*daemon);
  CHECK(daemon->status().checkpoints_passive > before);
}

TEST_CASE("a checkpoint that was stepped aside for counts for checkpoint-interval") {
  Fixture f;
  NoGaps gate;
  Application app(f.path);
  auto daemon = beside_long_log(f, app, &gate, 2s);
  tend_without_gaps(*daemon, app, gate, f.path);
  const auto before = daemon->status().checkpoints_passive;
  f.clock.pass(59s);
  app.update(1);
  capture(*daemon);
  CHECK(daemon->status().checkpoints_passive == before);
}

// Between two captures of a busy database: when the next step is due.
#include <sqlite3.h>

#include <thread>

#include "engine_fixture.hpp"

using namespace engine_fixture;
using namespace std::chrono_literals;

namespace {

// An application's checkpoint that comes to its end as soon as nobody pins the log.
class Checkpointer {
 public:
  explicit Checkpointer(const std::string& path) : thread_([path](const std::stop_token& stop) { run(path, stop); }) {}

 private:
  static void run(const std::string& path, const std::stop_token& stop) {
    sqlite3* db = nullptr;
    sqlite3_open(path.c_str(), &db);
    sqlite3_exec(db, "PRAGMA user_version", nullptr, nullptr, nullptr);
    for (int logged = 1, done = 0; logged != done && !stop.stop_requested();)
      sqlite3_wal_checkpoint_v2(db, nullptr, SQLITE_CHECKPOINT_PASSIVE, &logged, &done);
    sqlite3_close(db);
  }
  std::jthread thread_;
};

// The clock goes on while we step aside: between the end of the read transaction and the beginning of the next.
struct TimePasses final : io::Gate {
  ManualClock* clock = nullptr;  // of who steps aside now
  int statements = 0;
  std::optional<Error> before(std::string_view operation, std::string_view) override {
    if (clock != nullptr && operation == "sql" && ++statements == 2) clock->pass(60ms);
    return std::nullopt;
  }
};

}  // namespace

TEST_CASE("the time in which a writer checkpoints does not count for how fast its log grows") {
  Fixture f;
  TimePasses gate;
  Application app(f.path);
  app.fill(20);
  auto daemon = f.daemon(&gate);
  capture(*daemon);
  f.clock.pass(500ms);
  while (fs::file_size(f.path + "-wal") < 980 * wal_frame_size(4096)) app.update(1);

  gate.clock = &f.clock;
  const Checkpointer checkpointer(f.path);
  auto tended = daemon->tend({});
  REQUIRE(tended);
  REQUIRE(gate.statements >= 2);
  CHECK(daemon->status().steps_aside == 1);
  // Some 980 frames took half a second, so will 1,000, but for the time that a step is begun ahead.
  REQUIRE(tended->tend_in);
  CHECK(*tended->tend_in > 400ms);
  CHECK(*tended->tend_in < 600ms);
}

TEST_CASE("a checkpoint that was stepped aside for counts for checkpoint-interval") {
  Fixture f;
  Application app(f.path);
  app.fill(20);
  auto daemon = f.daemon();
  capture(*daemon);
  f.clock.pass(2s);
  while (fs::file_size(f.path + "-wal") < 980 * wal_frame_size(4096)) app.update(1);
  {
    const Checkpointer checkpointer(f.path);
    REQUIRE(daemon->tend({}));
    REQUIRE(daemon->status().steps_aside == 1);
  }
  const auto before = daemon->status().checkpoints_passive;
  f.clock.pass(59s);
  app.update(1);
  capture(*daemon);
  CHECK(daemon->status().checkpoints_passive == before);
  f.clock.pass(2s);
  app.update(1);
  capture(*daemon);
  CHECK(daemon->status().checkpoints_passive > before);
}

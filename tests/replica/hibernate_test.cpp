// Databases that cost neither a connection nor a descriptor while nobody writes to them.
#include <atomic>
#include <filesystem>
#include <thread>

#include "capture_fixture.hpp"
#include "replica/replicator.hpp"
#include "replica/restore.hpp"
#include "support/descriptors.hpp"
#include "support/patience.hpp"
#include "support/until.hpp"

using namespace capture_fixture;
using namespace std::chrono_literals;
using support::until;

namespace {

struct Scene {
  TempDir dir;
  std::string path = dir / "app.db";
  std::shared_ptr<Backend> store = make_memory_backend();
  std::unique_ptr<Application> app = std::make_unique<Application>(path);
  std::atomic<int> told = 0;  // that databases were let go of
  Replicator replicator{[this] {
    ReplicatorOptions options;
    options.levels = {std::chrono::milliseconds(50)};
    options.after_rest = [this] { ++told; };
    return options;
  }()};

  Scene() {
    app->run("CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB); " + kFill);
    DatabaseConfig config;
    config.path = path;
    config.backend = store;
    config.sync_interval = 20ms;
    config.checkpoint_interval = 50ms;
    config.monitor_interval = 20ms;
    config.hibernate_after = 100ms;
    REQUIRE(replicator.add(config));
    REQUIRE(replicator.start(path, true));
  }
  DatabaseStatus status() const {
    auto status = replicator.status(path);
    REQUIRE(status);
    return *status;
  }
  void fall_asleep() {
    until([&] { return status().hibernating; });
    CHECK(status().ready);
    CHECK(status().state == DatabaseState::open);
  }
  std::int64_t rows_on_replica() {
    const std::string copy = dir / "copy.db";
    fs::remove(copy);
    REQUIRE(restore_database(Replica(store, ""), {}, {.output = copy}, {}));
    sqlite3* db = nullptr;
    sqlite3_stmt* statement = nullptr;
    REQUIRE(sqlite3_open(copy.c_str(), &db) == SQLITE_OK);
    REQUIRE(sqlite3_prepare_v2(db, "SELECT count(*) FROM t", -1, &statement, nullptr) == SQLITE_OK);
    REQUIRE(sqlite3_step(statement) == SQLITE_ROW);
    const std::int64_t rows = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return rows;
  }
};

}  // namespace

TEST_CASE("a quiet database is let go of, and a commit opens it again") {
  Scene s;
  for (int round = 1; round <= 3; ++round) {
    s.fall_asleep();
    if (round == 2) {  // the last to leave takes the log along, which is our turn now
      s.app.reset();
      until([&] { return support::descriptors(s.dir.path()) == 0; });
      s.app = std::make_unique<Application>(s.path);
    }
    const auto anchors = s.status().reanchors;
    const auto before = s.status().replicated_txid;
    s.app->run("INSERT INTO t(v) VALUES ('x')");
    until([&] { return s.status().replicated_txid > before; });
    CHECK(s.rows_on_replica() == 60 + round);
    if (round != 2) CHECK(s.status().reanchors == anchors);
  }
}

TEST_CASE("that memory has become free is told a while later") {
  Scene s;
  s.fall_asleep();
  until([&] { return s.told > 0; });
}

TEST_CASE("control calls find a database that hibernates as they find any other") {
  Scene s;
  s.fall_asleep();
  SECTION("sync with nothing to do leaves it asleep") {
    auto synced = s.replicator.sync(s.path, true);
    REQUIRE(synced);
    CHECK_FALSE(synced->changed);
    CHECK(synced->txid == s.status().local_txid);
    CHECK(s.status().hibernating);
  }
  SECTION("sync right after a commit") {
    s.app->run("INSERT INTO t(v) VALUES ('x')");
    REQUIRE(s.replicator.sync(s.path, true));
    CHECK(s.rows_on_replica() == 61);
  }
  SECTION("wait") {
    CHECK(s.replicator.wait_durable(s.path, std::nullopt, support::within(30s)));
    s.app->run("INSERT INTO t(v) VALUES ('x')");
    CHECK(s.replicator.wait_durable(s.path, std::nullopt, support::within(30s)));
    CHECK(s.rows_on_replica() == 61);
  }
  SECTION("snapshot and retention") {
    CHECK(s.replicator.snapshot(s.path));
    s.fall_asleep();
    CHECK(s.replicator.enforce_retention(s.path));
    s.fall_asleep();
  }
  SECTION("stop and start") {
    s.app->run("INSERT INTO t(v) VALUES ('x')");
    REQUIRE(s.replicator.stop(s.path));
    CHECK_FALSE(s.status().hibernating);
    CHECK(s.rows_on_replica() == 61);
    REQUIRE(s.replicator.start(s.path, true));
    s.fall_asleep();
    CHECK(s.replicator.stop(s.path));
  }
  SECTION("the file is gone, and another one in its place") {
    s.app.reset();
    until([&] { return s.status().hibernating; });
    fs::remove(s.path);
    CHECK_FALSE(s.replicator.sync(s.path, true));
    Application other(s.path);
    other.run("CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB); INSERT INTO t(v) VALUES (1),(2)");
    until([&] { return s.replicator.sync(s.path, true).has_value(); });
    CHECK(s.rows_on_replica() == 2);
  }
}

TEST_CASE("who keeps databases open for ever says so") {
  TempDir dir;
  Replicator replicator;
  CHECK_FALSE(replicator.add({.path = dir / "x.db", .hibernate_after = -1ms}));
}

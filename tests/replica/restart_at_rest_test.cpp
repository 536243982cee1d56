// A replicator that is ended and started again while its databases rest.
#include <random>

#include "restart_fixture.hpp"
#include "support/descriptors.hpp"

using namespace restart_fixture;

TEST_CASE("databases that rest are ready at once when the replicator is started again, and cost nothing") {
  Scene s;
  for (const char* name : {"a", "b", "c"}) s.make(name);
  s.start();
  s.fall_asleep();
  const DatabaseStatus before = s.status("b");
  s.restart();
  CHECK(s.lists == 0);
  CHECK(s.others == 0);
  CHECK(support::descriptors(s.dir.path()) == 0);
  for (const std::string& name : s.names) {
    CHECK(s.status(name).ready);
    CHECK(s.status(name).hibernating);
    CHECK(s.status(name).state == DatabaseState::open);
    s.check_equal(name);
  }
  const DatabaseStatus now = s.status("b");
  CHECK(now.local_txid == before.local_txid);
  CHECK(now.replicated_txid == before.replicated_txid);
  CHECK(now.last_sync_at == before.last_sync_at);
  CHECK(now.database_bytes == before.database_bytes);
  SECTION("one is written to") {
    Application app(s.path("b"));
    app.insert();
    until([&] { return s.status("b").replicated_txid > before.replicated_txid; });
    s.check_equal("b");
    CHECK(s.status("b").reanchors == 0);
    CHECK(s.status("a").hibernating);
  }
  SECTION("it is stopped and started") {
    REQUIRE(s.replicator->stop(s.path("b")));
    CHECK_FALSE(s.status("b").ready);
    REQUIRE(s.replicator->start(s.path("b"), true, support::within(60s)));
    CHECK(s.status("b").hibernating);
    CHECK(s.lists == 0);
  }
  SECTION("it is removed, and another file comes in its place") {
    REQUIRE(s.replicator->remove(s.path("b")));
    for (const char* end : {"", "-wal", "-shm"}) fs::remove(s.path("b") + end);
    Application app(s.path("b"));
    app.fill(3);
    REQUIRE(s.replicator->add(s.config("b")));
    REQUIRE(s.replicator->start(s.path("b"), true, support::within(60s)));
    REQUIRE(s.replicator->sync(s.path("b"), true, support::within(60s)));
    s.check_equal("b");
  }
}

TEST_CASE("what is asked of a database at rest is answered by what the store shows") {
  Scene s;
  s.make("a");
  s.start();
  s.fall_asleep();
  s.stop();
  const bool wiped = GENERATE(false, true);
  if (wiped) s.wipe("a");
  s.start();
  REQUIRE(s.status("a").hibernating);
  SECTION("sync") {
    auto synced = s.replicator->sync(s.path("a"), true, support::within(60s));
    REQUIRE(synced);
    CHECK(synced->txid == s.status("a").local_txid);
  }
  SECTION("wait") { REQUIRE(s.replicator->wait_durable(s.path("a"), std::nullopt, support::within(60s))); }
  SECTION("wait for a position") {
    REQUIRE(s.replicator->wait_durable(s.path("a"), s.status("a").local_txid, support::within(60s)));
  }
  SECTION("snapshot") { REQUIRE(s.replicator->snapshot(s.path("a"), support::within(60s))); }
  SECTION("a reload lets it go") {
    std::size_t closed = 0;
    s.replicator->let_go({{s.path("a"), {"mem://store/a"}}}, [&](const std::string&, const auto& left) {
      REQUIRE(left);
      closed += left->empty() ? 1 : 0;
    });
    CHECK(closed == 1);
  }
  s.check_equal("a");
}

TEST_CASE("a replica that was wiped is found out within a day of the last sign of it") {
  Scene s;
  s.options.maintain = false;  // which would find it out sooner
  s.make("a");
  s.start();
  s.fall_asleep();
  s.stop();
  s.wipe("a");
  s.clock.passed = 23h;
  s.start();
  REQUIRE(s.status("a").hibernating);
  CHECK(s.lists == 0);
  s.stop();
  CHECK_FALSE(s.holds_something("a"));
  s.clock.passed = 25h;
  s.start();
  until([&] { return s.holds_something("a") && s.status("a").replicated_txid == s.status("a").local_txid; });
  s.check_equal("a");
  s.fall_asleep();
  s.restart();
  CHECK(s.status("a").hibernating);
  CHECK(s.lists == 0);
}

TEST_CASE("maintenance that fell due while nobody ran is made up for") {
  Scene s;
  s.make("a");
  s.start();
  s.fall_asleep();
  s.stop();
  const Replica replica(s.memory, "a");
  const auto compacted = [&] {
    auto files = replica.list(1, {}, {});
    REQUIRE(files);
    return !files->empty();
  };
  s.clock.passed = 2h;
  s.start();
  until(compacted);
  CHECK(s.status("a").hibernating);
  CHECK(s.status("a").hibernations == 0);
  s.fall_asleep();
  s.check_equal("a");
}

TEST_CASE("a replica is maintained while its database rests, and a commit opens it") {
  Scene s;
  s.options.levels = {50ms, 1s};
  s.options.l0_retention = s.options.l0_retention_check_interval = 10ms;
  s.make("a");
  s.start();
  Replica replica(s.memory, "a");
  const auto level2 = [&] {
    auto files = replica.list(2, {}, {});
    REQUIRE(files);
    return *files;
  };
  s.fall_asleep();
  until([&] { return !level2().empty() && s.status("a").hibernating; });
  const auto made = level2().back().range;
  const auto slept = s.status("a").hibernations;
  s.check_equal("a");
  const auto anchors = s.status("a").reanchors;
  Application app(s.path("a"));
  app.insert();
  until([&] { return level2().back().range.max > made.max && s.status("a").hibernating; });
  CHECK(s.status("a").reanchors == anchors);
  CHECK(s.status("a").hibernations == slept + 1);
  s.check_equal("a");
}

TEST_CASE("a database that is gone is restored, and does not pass for one at rest") {
  Scene s;
  s.make("a");
  s.start();
  s.fall_asleep();
  s.stop();
  for (const char* end : {"", "-wal", "-shm"}) fs::remove(s.path("a") + end);
  s.replicator = std::make_unique<Replicator>(s.options);
  DatabaseConfig config = s.config("a");
  config.restore_if_not_exists = true;
  REQUIRE(s.replicator->add(config));
  REQUIRE(s.replicator->start(s.path("a"), true, support::within(60s)));
  CHECK(fs::exists(s.path("a")));
  s.check_equal("a");
}

TEST_CASE("whatever is written to many databases while the replicator is away or comes back, is replicated") {
  const unsigned seed = Catch::rngSeed();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  Scene s;
  for (int n = 0; n < 12; ++n) s.make("db" + std::to_string(n));
  s.start();
  std::size_t rested = 0;
  for (int round = 0; round < 3; ++round) {
    s.fall_asleep();
    s.stop();
    const auto write = [&] {
      Application app(s.path(s.names[random() % s.names.size()]));
      app.update(static_cast<int>(1 + random() % 10));
      if (random() % 2 == 0) app.checkpoint();
    };
    for (int n = 0; n < 4; ++n) write();
    {
      std::jthread writer([&] {
        for (int n = 0; n < 4; ++n) write();
      });
      s.start();
    }
    for (const std::string& name : s.names) {
      const DatabaseStatus status = s.status(name);
      rested += status.hibernating && status.hibernations == 0 ? 1U : 0U;
      REQUIRE(s.replicator->sync(s.path(name), true, support::within(60s)));
      s.check_equal(name);
    }
  }
  CHECK(rested > 5);
}

// Two names of one directory share its watch, and the second database is polled: nobody would tell of its changes.
TEST_CASE("a database that is not watched is not left at rest") {
  Scene s;
  s.make("a");
  fs::create_directory_symlink(s.dir.path(), s.dir / "link");
  s.make("link/b");
  s.start();
  const std::string meta = s.dir / ".b.db-litestream";
  until([&] { return s.status("link/b").wal_bytes == 0 || s.status("link/b").checkpoints_passive > 0; });
  REQUIRE(s.replicator->sync(s.path("link/b"), true, support::within(60s)));
  until([&] {
    const auto now = io::file_clock();
    for (const std::string& path : {s.path("link/b"), s.path("link/b") + "-wal", meta + "/ltx/0"}) {
      const auto stamp = io::stamp_of(path);
      if (!stamp || (*stamp && !io::is_settled(**stamp, now))) return false;
    }
    return true;
  });
  s.stop();
  const auto mark = engine::read_wal_mark(meta, nullptr);
  REQUIRE(mark);
  REQUIRE(*mark);
  REQUIRE((*mark)->rest);
  s.start();
  CHECK(s.status("link/b").ready);
  CHECK_FALSE(s.status("link/b").hibernating);
  const TxId before = s.status("link/b").local_txid;
  Application app(s.path("link/b"));
  app.insert();
  until([&] { return s.status("link/b").replicated_txid > before; });
  s.check_equal("link/b");
}

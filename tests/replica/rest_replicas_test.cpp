// What the replicas of a database that stays at rest are believed to have, and how that is found out.
#include <atomic>

#include "rest_fixture.hpp"
#include "support/through.hpp"

using namespace rest_fixture;

namespace {

// A backend that can be told to rest, and counts how often it was.
class Resting final : public support::Through {
 public:
  using Through::Through;
  int rests() const { return rests_; }
  void rest() noexcept override { ++rests_; }

 private:
  std::atomic<int> rests_ = 0;
};

}  // namespace

TEST_CASE("a backend is told when its database comes to rest, and after it was asked meanwhile") {
  Scene s;
  const auto backend = std::make_shared<Resting>(s.config.backend);
  s.config.backend = make_retrying_backend(make_counted_backend(backend, std::make_shared<RequestCounter>()));
  s.start();
  s.settle();
  CHECK(backend->rests() == 0);
  s.rest();
  s.wait_for_level_zero();
  const int rests = backend->rests();
  CHECK(rests >= 1);
  REQUIRE(s.stays_after_restart());
  CHECK(backend->rests() == rests);
  REQUIRE(s.database->ship({}));  // shows that the replica has what it is believed to have
  CHECK(s.database->resting());
  CHECK(backend->rests() == rests + 1);
  s.check_in_step();
}

TEST_CASE("a replica that was configured otherwise is not believed to have anything") {
  Scene s;
  std::shared_ptr<Backend> second = make_memory_backend();
  SECTION("another place") {
    s.fall_asleep();
    s.config.replica_url = "mem://store/elsewhere";
    s.config.backend_path = "elsewhere";
    s.f.replica = Replica(s.f.store.memory, "elsewhere");
  }
  SECTION("another server under the same name") {
    s.fall_asleep();
    s.config.replica_server = "mem://store other";
    s.config.backend = second;
    s.f.replica = Replica(second, "db");
  }
  SECTION("one more") {
    s.fall_asleep();
    s.config.more_replicas.push_back({.backend = second, .path = "second", .url = "mem://second"});
    s.f.replica = Replica(second, "second");
  }
  SECTION("the other one of two") {
    s.config.more_replicas.push_back({.backend = second, .path = "second", .url = "mem://second"});
    s.fall_asleep();
    s.config.more_replicas.front().url += "/third";
    s.config.more_replicas.front().path = "third";
    s.f.replica = Replica(second, "third");
  }
  SECTION("one that cannot be named") {
    s.config.replica_url.clear();
    s.start();
    s.settle();
    s.rest();
  }
  SECTION("what is kept there") {
    s.fall_asleep();
    s.f.options.snapshot_retention = 1h;
  }
  SECTION("databases are to be kept open") {
    s.fall_asleep();
    s.config.hibernate_after = 0ms;
  }
  CHECK_FALSE(s.stays_after_restart());
  s.check_in_step();
}

TEST_CASE("several replicas are each believed, and shown as before") {
  Scene s;
  std::shared_ptr<Backend> second = make_memory_backend();
  s.config.more_replicas.push_back({.backend = second, .path = "second", .url = "mem://second"});
  s.fall_asleep();
  const DatabaseStatus before = s.database->status();
  REQUIRE(s.stays_after_restart());
  const DatabaseStatus now = s.database->status();
  REQUIRE(now.replicas.size() == 2);
  for (std::size_t n = 0; n < 2; ++n) {
    CHECK(now.replicas[n].replicated_txid == before.local_txid);
    CHECK(now.replicas[n].last_sync_at == before.replicas[n].last_sync_at);
  }
  s.app.insert();
  s.check_in_step();
  s.f.replica = Replica(second, "second");
  s.f.check_equal();
}

TEST_CASE("a replica that was wiped meanwhile is found out by the first look") {
  Scene s;
  s.fall_asleep();
  s.database.reset();
  const bool away = GENERATE(false, true);  // the store, at first
  for (Level level = 0; level <= kSnapshotLevel; ++level) {
    auto files = s.f.listed(level);
    REQUIRE(s.f.replica.remove(files, {}));
  }
  s.start();
  REQUIRE(s.stays());
  CHECK(s.database->replicated() == s.database->captured());
  CHECK_FALSE(s.database->durable());
  if (away) {
    s.f.store.plan = [](std::string_view, std::string_view) { return unavailable(); };
    CHECK_FALSE(s.database->ship({}));
    CHECK_FALSE(s.database->durable());
    CHECK(s.database->resting());
    s.f.store.plan = {};
  }
  SECTION("of an upload") { ship(*s.database); }
  SECTION("of an upload with something to upload") {
    s.app.insert();
    sync(*s.database);
  }
  SECTION("of maintenance") {
    REQUIRE(s.database->wake({}));
    maintain(*s.database);
  }
  SECTION("of a snapshot") { REQUIRE(s.database->snapshot({})); }
  SECTION("and the next start knows, if we are killed before it is whole again") {
    s.f.store.plan = [](std::string_view what, std::string_view) {
      return what == "put" ? unavailable() : std::nullopt;
    };
    CHECK_FALSE(s.database->ship({}));
    CHECK_FALSE(s.mark().rest);
    s.f.store.plan = {};
    CHECK_FALSE(s.stays_after_restart());
    sync(*s.database);
  }
  s.f.check_equal();
  CHECK(s.database->durable() == s.database->captured());
}

TEST_CASE("one request shows that a replica has what it is believed to have") {
  Scene s;
  s.fall_asleep();
  REQUIRE(s.stays_after_restart());
  int lists = 0, others = 0;
  s.f.store.plan = [&](std::string_view what, std::string_view) {
    ++(what == "list" ? lists : others);
    return std::optional<Fault>();
  };
  s.f.clock.pass(5min);
  ship(*s.database);
  CHECK(lists == 1);
  CHECK(others == 0);
  CHECK(s.database->durable() == s.database->captured());
  CHECK(s.database->resting());
  const Timestamp seen = s.f.clock.now();
  CHECK(s.database->destination(0).seen() == seen);
  CHECK(s.database->status().last_sync_at == seen);
  s.f.clock.pass(5min);
  REQUIRE(s.stays_after_restart());
  CHECK(s.database->destination(0).seen() == seen);
  CHECK(s.database->status().last_sync_at == seen);
  SECTION("a stranger's file is looked at") {
    const ByteVector bytes(200);
    MemorySource body(bytes);
    const TxId strange{s.database->captured().value + 1};
    REQUIRE(s.f.replica.write(0, {strange, strange}, seen, body, {}));
    std::ignore = s.database->ship({});
    CHECK_FALSE(s.database->resting());
  }
}

TEST_CASE("maintenance that is due is due after a restart too") {
  Scene s;
  s.start();
  s.settle();
  const auto next = s.database->next_maintenance();
  REQUIRE(next);
  s.rest();
  s.wait_for_level_zero();
  REQUIRE(s.stays_after_restart());
  const auto believed = s.database->destination(0).believed_maintenance();
  REQUIRE(believed);
  CHECK(*believed >= *next);
  CHECK(*believed <= s.f.clock.now() + 30s);
  s.f.clock.pass(1min);
  REQUIRE(s.database->wake({}));
  maintain(*s.database);
  CHECK_FALSE(s.f.listed(1).empty());
  CHECK_FALSE(s.database->destination(0).believed_maintenance());
  s.check_in_step();
}

TEST_CASE("another daemon that has the database is met at the start") {
  Scene s;
  s.fall_asleep();
  s.database.reset();
  auto lock = io::File::open(s.f.meta + "/lock", io::File::Mode::read_write);
  REQUIRE(lock);
  REQUIRE(*lock->try_lock_exclusive());
  s.start();
  auto rests = s.database->stay_at_rest({});
  REQUIRE_FALSE(rests);
  CHECK(rests.error().code == Errc::busy);
  lock->close();
  CHECK(s.stays());
}

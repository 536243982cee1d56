// Restoring from one of several replicas.
#include "replica/several.hpp"

#include <thread>

#include "destinations_fixture.hpp"
#include "replica/replicator.hpp"

using namespace destinations_fixture;

namespace {

// A has come further than B.
struct Copies : Pair {
  Copies() {
    Application app(path);
    app.fill(20);
    auto database = daemon();
    sync(*database);
    b.plan = away();
    app.update(1);
    capture(*database);
    REQUIRE_FALSE(database->ship({}));
    b.plan = nullptr;
  }
  std::vector<Replica> replicas() { return {Replica(b.backend, "db"), Replica(a.backend, "db")}; }
  Result<RestoredFrom> restore(const RestoreTarget& target = {}) {
    told.clear();
    return restore_from_any(replicas(), target, {.output = dir / "out." + std::to_string(++outputs)}, {},
                            [&](std::size_t number, const Error&) { told.push_back(number); });
  }
  std::vector<std::size_t> told;
  int outputs = 0;
};

}  // namespace

TEST_CASE("the replica that reaches furthest is restored from, the first among equals") {
  Copies f;
  auto restored = f.restore();
  REQUIRE(restored);
  CHECK(restored->number == 1);
  CHECK(restored->outcome.txid == TxId{2});
  CHECK(f.told.empty());
  restored = f.restore({.txid = TxId{1}});
  REQUIRE(restored);
  CHECK(restored->number == 0);
}

TEST_CASE("a dead replica is passed over, and told of") {
  Copies f;
  f.a.plan = away();
  auto restored = f.restore();
  REQUIRE(restored);
  CHECK(restored->number == 0);
  CHECK(f.told == std::vector<std::size_t>{1});
  f.b.plan = away();
  restored = f.restore();
  REQUIRE_FALSE(restored);
  CHECK(restored.error().code == Errc::unavailable);
}

TEST_CASE("a replica that cannot be read to the end is left for the next") {
  Copies f;
  f.a.plan = [](std::string_view operation, std::string_view) {
    return operation == "get" ? unavailable() : std::nullopt;
  };
  auto restored = f.restore();
  INFO((restored ? "" : restored.error().message));
  REQUIRE(restored);
  CHECK(restored->number == 0);
  CHECK(restored->outcome.txid == TxId{1});
  CHECK(f.told == std::vector<std::size_t>{1});
}

TEST_CASE("nothing is said to be there only when every replica was read") {
  Copies f;
  const RestoreOptions options{.output = f.dir / "out"};
  const std::vector<Replica> both{Replica(std::shared_ptr<Backend>(make_memory_backend()), "db"),
                                  Replica(f.a.backend, "db")};
  f.a.plan = away();
  auto restored = restore_from_any(both, {}, options, {});
  REQUIRE_FALSE(restored);
  CHECK(restored.error().code == Errc::unavailable);
  f.a.plan = nullptr;
  restored = restore_from_any(both, {.txid = TxId{9}}, options, {});
  REQUIRE_FALSE(restored);
  CHECK(restored.error().code == Errc::not_found);
}

TEST_CASE("a missing database is restored from the replica that answers before it is replicated") {
  Copies f;
  f.a.plan = away();
  fs::remove(f.path);
  fs::remove(f.path + "-wal");
  fs::remove(f.path + "-shm");
  fs::remove_all(f.meta);
  Replicator replicator({.threads = 1});
  DatabaseConfig config = f.config();
  config.restore_if_not_exists = true;
  config.monitor_interval = config.sync_interval = std::chrono::milliseconds(10);
  REQUIRE(replicator.add(config));
  auto started = replicator.start(
      f.path, true, {.stop = {}, .deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30)});
  INFO((started ? "" : started.error().message));
  REQUIRE(started);
  CHECK(fs::exists(f.path));
  CHECK(replicator.status(f.path)->replicas.size() == 2);
}

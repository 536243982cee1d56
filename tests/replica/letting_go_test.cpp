// Replicas that leave: what is uploaded to them at last, and when they are given up. Threads and time are real here;
// the tests wait on conditions.
#include <atomic>
#include <thread>

#include "door.hpp"
#include "engine_fixture.hpp"
#include "replica/replicator.hpp"
#include "support/patience.hpp"

using namespace engine_fixture;
using namespace std::chrono_literals;
using support::eventually;
using support::within;

namespace {

constexpr auto kLong = 1h;
constexpr auto kPatience = 2s;

// One database on a replica that is sound and one behind a door.
struct Bench {
  TempDir dir;
  Store a;
  std::atomic<bool> a_fails{false};
  Door door;
  std::string path = dir / "app.db";
  Application app{path};
  Replicator replicator;

  explicit Bench(std::chrono::milliseconds patience)
      : replicator({.shutdown_sync_timeout = patience, .shutdown_sync_interval = 10ms, .threads = 2}) {
    a.plan = [this](std::string_view, std::string_view) { return a_fails ? unavailable() : std::nullopt; };
    DatabaseConfig config;
    config.path = path;
    config.backend = a.backend;
    config.backend_path = "app";
    config.replica_url = "mem://a/app";
    config.monitor_interval = config.sync_interval = 10ms;
    config.more_replicas.push_back(
        {.backend = door.backend(), .path = "app", .url = "door://b/app", .sync_interval = 10ms});
    app.fill(5);
    REQUIRE(replicator.add(config));
    REQUIRE(replicator.start(path, true, within(30s)));
    REQUIRE(replicator.sync(path, true, within(30s)));
  }
  DatabaseStatus status() const {
    auto found = replicator.status(path);
    REQUIRE(found);
    return std::move(*found);
  }
  // Asserts nothing: tests call it on threads of their own.
  Result<std::vector<LeftBehind>> let_go(std::vector<std::string> replicas, const Call& call = within(60s)) {
    Result<std::vector<LeftBehind>> answer = fail(Errc::io, "not called");
    replicator.let_go(
        {{path, std::move(replicas)}},
        [&](const std::string&, Result<std::vector<LeftBehind>> left) { answer = std::move(left); }, call);
    return answer;
  }
  TxId newest(const std::shared_ptr<Backend>& store) const {
    auto files = Replica(store, "app").list(0, {}, {});
    REQUIRE(files);
    return files->empty() ? TxId{} : files->back().range.max;
  }
};

}  // namespace

TEST_CASE("a replica that leaves has all that is committed") {
  Bench bench(kLong);
  bench.app.insert();
  auto left = bench.let_go({"door://b/app"});
  REQUIRE(left);
  CHECK(left->empty());
  const DatabaseStatus status = bench.status();
  CHECK(status.state == DatabaseState::closed);
  CHECK(status.local_txid > TxId{1});
  CHECK(bench.newest(bench.door.memory) == status.local_txid);
}

TEST_CASE("while a silent replica is waited for everything else goes on, then it is given up") {
  Bench bench(kPatience);
  const TxId before = bench.status().local_txid;
  bench.door.shut();
  bench.app.insert();
  REQUIRE(eventually([&] { return bench.door.waiting() > 0 && bench.status().local_txid > before; }));
  const TxId wanted{before.value + 2};
  Result<std::vector<LeftBehind>> left;
  std::atomic<bool> over = false;
  const auto begin = std::chrono::steady_clock::now();
  std::thread caller([&] {
    left = bench.let_go({"door://b/app"});
    over = true;
  });
  bench.app.insert();
  const bool went_on =
      eventually([&] { return over || bench.status().replicas.front().replicated_txid >= wanted; }) && !over;
  caller.join();
  const auto took = std::chrono::steady_clock::now() - begin;
  CHECK(went_on);
  REQUIRE(left);
  REQUIRE(left->size() == 1);
  CHECK(left->front().replica == "door://b/app");
  CHECK(left->front().replicated == before);
  CHECK(left->front().captured >= wanted);
  CHECK(took >= kPatience);
  CHECK(bench.newest(bench.a.memory) >= wanted);
  CHECK(bench.door.waiting() == 0);
}

TEST_CASE("a replica that fails is given up at once, one that is only named besides is not") {
  Bench bench(kLong);
  const TxId before = bench.status().local_txid;
  bench.a_fails = true;
  bench.app.insert();
  REQUIRE(eventually([&] { return bench.status().replicas.front().last_error.has_value(); }));
  auto left = bench.let_go({"mem://a/app", "door://b/app", "mem://nobody"});
  REQUIRE(left);
  REQUIRE(left->size() == 1);
  CHECK(left->front().replica == "mem://a/app");
  CHECK(left->front().replicated == before);
  REQUIRE(left->front().error);
  CHECK(left->front().error->code == Errc::unavailable);
  CHECK(bench.newest(bench.door.memory) == left->front().captured);
}

TEST_CASE("replicas that stay are not waited for") {
  Bench bench(kLong);
  bench.door.shut();
  bench.app.insert();
  auto left = bench.let_go({"mem://a/app"});
  REQUIRE(left);
  CHECK(left->empty());
  CHECK(bench.newest(bench.a.memory) == bench.status().local_txid);
}

TEST_CASE("half of a call's time is waited at most") {
  Bench bench(kLong);
  bench.door.shut();
  bench.app.insert();
  const Call call = within(2s);
  auto left = bench.let_go({"door://b/app"}, call);
  REQUIRE(left);
  CHECK(left->size() == 1);
  CHECK(std::chrono::steady_clock::now() < *call.deadline);
}

TEST_CASE("who is told to stop leaves it open") {
  Bench bench(kLong);
  bench.door.shut();
  bench.app.insert();
  std::stop_source stop;
  std::jthread caller([&] {
    eventually([&] { return bench.door.waiting() > 0; });
    stop.request_stop();
  });
  auto left = bench.let_go({"door://b/app"}, {.stop = stop.get_token(), .deadline = {}});
  REQUIRE_FALSE(left);
  CHECK(left.error().code == Errc::cancelled);
  CHECK(bench.status().state == DatabaseState::open);
  bench.door.open();
}

TEST_CASE("what is closed already, or unknown, is answered at once") {
  Bench bench(kLong);
  REQUIRE(bench.replicator.stop(bench.path, within(30s)));
  bench.door.shut();
  auto left = bench.let_go({"door://b/app"});
  REQUIRE(left);
  CHECK(left->empty());
  REQUIRE(bench.replicator.remove(bench.path));
  left = bench.let_go({"door://b/app"});
  REQUIRE_FALSE(left);
  CHECK(left.error().code == Errc::not_found);
}

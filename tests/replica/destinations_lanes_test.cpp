// Destinations in the Replicator: none waits for another, whatever becomes of it. Threads and time are real here; the
// tests wait on conditions.
#include <sys/resource.h>

#include <set>
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

struct Bench {
  TempDir dir;
  Store a;
  Door door;
  std::shared_ptr<Backend> behind_door = door.backend();
  int restores = 0;

  std::string path(const std::string& name) const { return dir / (name + ".db"); }
  DatabaseConfig config(const std::string& name) const {
    DatabaseConfig made;
    made.path = path(name);
    made.backend = a.backend;
    made.backend_path = name;
    made.replica_url = "mem://a/" + name;
    made.monitor_interval = made.sync_interval = 10ms;
    return made;
  }
  DatabaseConfig pair(const std::string& name) const {
    DatabaseConfig made = config(name);
    made.more_replicas.push_back(
        {.backend = behind_door, .path = name, .url = "door://b/" + name, .sync_interval = 10ms});
    return made;
  }
  bool equal(const std::shared_ptr<Backend>& store, const std::string& name) {
    const std::string output = dir / ("restored." + std::to_string(++restores));
    auto restored = restore_database(Replica(store, name), {}, {.output = output}, {});
    INFO((restored ? "" : restored.error().message));
    REQUIRE(restored);
    return serialized(output) == serialized(path(name));
  }
};

void start(Replicator& replicator, const DatabaseConfig& config) {
  REQUIRE(replicator.add(config));
  auto started = replicator.start(config.path, true, within(30s));
  INFO((started ? "" : started.error().message));
  REQUIRE(started);
}

}  // namespace

TEST_CASE("a destination that does not answer holds up neither the other nor the log") {
  Bench bench;
  Application app(bench.path("app"));
  app.fill(20);
  Replicator replicator({.threads = 1});
  DatabaseConfig config = bench.pair("app");
  config.min_checkpoint_page_count = 20;
  start(replicator, config);
  REQUIRE(replicator.sync(config.path, true, within(30s)));
  const auto status = [&] { return *replicator.status(config.path); };

  bench.door.shut();
  const auto checkpoints = status().checkpoints_passive;
  for (int n = 0; n < 30; ++n) {
    const auto target = status().local_txid;  // before, for it may be captured at once
    app.update(1 + n % 20);
    REQUIRE(eventually([&] { return status().replicas.at(0).replicated_txid > target; }));
  }
  CHECK(bench.door.waiting() > 0);
  CHECK(status().checkpoints_passive > checkpoints);
  CHECK(bench.equal(bench.a.memory, "app"));
  CHECK(status().replicas.at(1).replicated_txid < status().replicas.at(0).replicated_txid);
  CHECK(status().replicated_txid == status().replicas.at(1).replicated_txid);

  // All destinations are meant by who waits, and the one that is behind is named.
  auto waited = replicator.wait_durable(config.path, std::nullopt, within(300ms));
  REQUIRE_FALSE(waited);
  CHECK(waited.error().code == Errc::timed_out);
  CHECK(waited.error().hint.find("door://b/app is behind") != std::string::npos);
  auto synced = replicator.sync(config.path, true, within(300ms));
  REQUIRE_FALSE(synced);
  CHECK(synced.error().code == Errc::timed_out);
  CHECK(synced.error().message.find("door://b/app") != std::string::npos);

  bench.door.open();
  auto durable = replicator.wait_durable(config.path, std::nullopt, within(30s));
  REQUIRE(durable);
  CHECK(*durable == status().local_txid);
  CHECK(bench.equal(bench.door.memory, "app"));
}

TEST_CASE("each destination is uploaded to at its own pace") {
  Bench bench;
  Application app(bench.path("app"));
  app.fill(20);
  Replicator replicator;
  DatabaseConfig config = bench.pair("app");
  config.more_replicas[0].sync_interval = std::chrono::hours(1);
  start(replicator, config);
  REQUIRE(replicator.sync(config.path, true, within(30s)));
  const auto status = [&] { return *replicator.status(config.path); };
  std::set<TxId> seen;
  for (int n = 1; n < 12; ++n) {
    const auto before = status().local_txid;
    app.update(n);
    REQUIRE(eventually([&] { return status().replicas.at(0).replicated_txid > before; }));
    seen.insert(status().replicas.at(1).replicated_txid);
  }
  // Where it was, the first upload of its lane, from which the hour counts, and one that was on its way by then.
  CHECK(seen.size() <= 3);
  REQUIRE(replicator.stop(config.path, within(30s)));  // what is left goes all the same
  CHECK(bench.equal(bench.door.memory, "app"));
}

TEST_CASE("fifty databases whose store is silent do not delay the one whose store is not") {
  constexpr int kSilent = 50;
  const bool from_the_start = GENERATE(false, true);  // even attaching needs the store
  CAPTURE(from_the_start);
  Bench bench;
  std::vector<std::unique_ptr<Application>> apps;
  std::vector<DatabaseConfig> silent;
  for (int n = 0; n < kSilent; ++n) {
    const std::string name = "silent" + std::to_string(n);
    apps.push_back(std::make_unique<Application>(bench.path(name)));
    apps.back()->fill(2);
    silent.push_back(bench.config(name));
    silent.back().backend = bench.behind_door;
    silent.back().replica_url = "door://b/" + name;
  }
  Application app(bench.path("app"));
  app.fill(20);
  Replicator replicator({.threads = 2});
  const DatabaseConfig config = bench.config("app");
  if (from_the_start) bench.door.shut();
  for (const DatabaseConfig& one : silent) {
    REQUIRE(replicator.add(one));
    REQUIRE(replicator.start(one.path, false));
  }
  if (!from_the_start) {
    for (const DatabaseConfig& one : silent) REQUIRE(replicator.sync(one.path, true, within(30s)));
    bench.door.shut();
    for (auto& one : apps) one->update(1);
  }
  REQUIRE(eventually([&] { return bench.door.waiting() >= 2; }));  // as many as there are threads
  start(replicator, config);
  const auto replicated = [&] { return replicator.status(config.path)->replicated_txid; };
  REQUIRE(eventually([&] { return replicated() == replicator.status(config.path)->local_txid; }));
  // From now on it does not even notice: far sooner than the first of the silent ones would give up.
  const auto begin = std::chrono::steady_clock::now();
  for (int n = 1; n <= 20; ++n) {
    app.update(n);
    const TxId before = replicated();
    REQUIRE(eventually([&] { return replicated() > before; }));
  }
  CHECK(std::chrono::steady_clock::now() - begin < 20s);
  CHECK(bench.door.waiting() >= 2);
  CHECK(bench.equal(bench.a.memory, "app"));

  bench.door.open();
  for (int n = 0; n < kSilent; ++n) {
    const DatabaseConfig& one = silent[static_cast<std::size_t>(n)];
    REQUIRE(eventually([&] {
      const auto status = *replicator.status(one.path);
      return status.ready && status.replicated_txid == status.local_txid &&
             status.local_txid >= TxId{from_the_start ? 1U : 2U};
    }));
  }
  CHECK(bench.equal(bench.door.memory, "silent7"));
}

TEST_CASE("stopping does not wait for a dead destination before the other has everything") {
  Bench bench;
  Application app(bench.path("app"));
  app.fill(20);
  Replicator replicator;
  DatabaseConfig config = bench.pair("app");
  std::swap(config.backend, config.more_replicas[0].backend);  // the silent one comes first
  start(replicator, config);
  REQUIRE(replicator.sync(config.path, true, within(30s)));
  REQUIRE(replicator.status(config.path)->replicas.size() == 2);
  bench.door.shut();
  app.update(3);
  std::jthread stopping([&] { CHECK(replicator.stop(config.path, within(30s))); });
  CHECK(eventually([&] { return bench.equal(bench.a.memory, "app"); }));
  bench.door.open();
  stopping.join();
  CHECK(bench.equal(bench.door.memory, "app"));
}

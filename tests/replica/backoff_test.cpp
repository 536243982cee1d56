// How often a store that fails is asked again. Threads and time are real; the tests wait on conditions.
#include "replicator/lanes.hpp"

#include <atomic>
#include <set>
#include <thread>

#include "engine_fixture.hpp"
#include "replica/replicator.hpp"
#include "support/patience.hpp"

using namespace engine_fixture;
using namespace std::chrono_literals;
using Steady = Clock::Steady;
using support::eventually;

namespace {

// A busy application beside a store that takes nothing, and when it was asked.
struct Bench {
  Bench() {
    app.emplace(path);
    app->fill(3);
    store.plan = [this](std::string_view operation, std::string_view) -> std::optional<Fault> {
      if (!away) return std::nullopt;
      const std::scoped_lock lock(mutex);
      if (operation == "put" || operation == "list") asked.push_back(std::chrono::steady_clock::now());
      return unavailable();
    };
    DatabaseConfig config;
    config.path = path;
    config.backend = store.backend;
    config.backend_path = "db";
    config.monitor_interval = 5ms;
    config.sync_interval = 5ms;
    REQUIRE(replicator.add(config));
    REQUIRE(replicator.start(path, true, {.deadline = std::chrono::steady_clock::now() + 30s}));
    REQUIRE(eventually([&] { return position() == replicator.status(path)->local_txid && position().value > 0; }));
  }
  TxId position() { return replicator.status(path)->replicated_txid; }
  // When the rounds of attempts began.
  std::vector<Steady> rounds() {
    const std::scoped_lock lock(mutex);
    std::vector<Steady> found;
    for (const Steady one : asked) {
      if (found.empty() || one - found.back() > 100ms) found.push_back(one);
    }
    return found;
  }

  TempDir dir;
  std::string path = dir / "app.db";
  std::atomic<bool> away = false;
  std::mutex mutex;
  std::vector<Steady> asked;  // guarded by mutex
  Store store;
  std::optional<Application> app;
  Replicator replicator = [] {
    ReplicatorOptions options;
    options.maintain = false;  // that lane has rounds of its own
    return Replicator(options);
  }();
};

}  // namespace

TEST_CASE("pauses double, and differ between databases") {
  using replica::replicator::backoff;
  std::set<std::int64_t> different;
  for (int n = 0; n < 100; ++n) {
    const std::string path = "/data/" + std::to_string(n) + ".db";
    for (int failures = 1; failures < 10; ++failures) {
      const auto pause = backoff(failures, path);
      CHECK(pause <= backoff(failures));
      CHECK(pause >= backoff(failures) * 3 / 4);
    }
    different.insert(backoff(9, path).count());
  }
  CHECK(different.size() > 30);
  CHECK(backoff(1) == 1s);
  CHECK(backoff(9) == 30s);
}

TEST_CASE("commits do not cut the pause after a failed upload short") {
  Bench bench;
  bench.away = true;
  REQUIRE(eventually([&] {
    bench.app->insert();
    return bench.rounds().size() >= 3;
  }));
  const auto rounds = bench.rounds();
  CHECK(rounds[1] - rounds[0] >= 700ms);
  CHECK(rounds[2] - rounds[1] >= 1400ms);
  CHECK(bench.asked.size() <= 6);
  // Who asks for it has it at once, and what comes then does not wait either.
  bench.away = false;
  const Call call{.deadline = std::chrono::steady_clock::now() + 30s};
  REQUIRE(bench.replicator.sync(bench.path, true, call));
  const auto begin = std::chrono::steady_clock::now();
  const TxId before = bench.position();
  bench.app->insert();
  REQUIRE(eventually([&] { return bench.position() > before; }));
  CHECK(std::chrono::steady_clock::now() - begin < 2s);  // the pause would have been 3 s at least
}

// What a Replicator tells of its databases: how far behind they are, when something is durable, what happened. Threads
// and time are real; the tests wait on conditions.
#include <atomic>
#include <thread>

#include "engine_fixture.hpp"
#include "replica/replicator.hpp"
#include "support/patience.hpp"

using namespace engine_fixture;

namespace {

using std::chrono::milliseconds;
using support::eventually;
using support::within;

constexpr milliseconds kPatience{30'000};

// One database, and a store that can be made to fail.
struct Bench {
  explicit Bench(milliseconds interval = milliseconds(10), milliseconds lag_limit = milliseconds(0))
      : replicator(options(lag_limit)) {
    app.emplace(path);
    app->fill(3);
    store.plan = [this](std::string_view operation, std::string_view) -> std::optional<Fault> {
      if (refusing && operation == "put") return Fault{{Errc::permission_denied, "wrong secret"}};
      const bool fails =
          (away && operation == "put") || (unreadable && operation == "get") || (unlisted && operation == "list");
      return fails ? unavailable() : std::nullopt;
    };
    DatabaseConfig config;
    config.path = path;
    config.backend = store.backend;
    config.backend_path = "db";
    config.monitor_interval = milliseconds(10);
    config.sync_interval = interval;
    const auto added = replicator.add(std::move(config));
    REQUIRE(added);
  }
  static ReplicatorOptions options(milliseconds lag_limit) {
    ReplicatorOptions made;
    made.threads = 2;
    made.lag_limit = lag_limit;
    return made;
  }
  void start() { REQUIRE(replicator.start(path, true, within(kPatience))); }
  DatabaseStatus status() {
    auto status = replicator.status(path);
    REQUIRE(status);
    return std::move(*status);
  }
  bool settled() {
    const DatabaseStatus now = status();
    return now.replicated_txid && now.replicated_txid == now.local_txid;
  }
  // In a row without repetitions; compactions and snapshots come by themselves at times of their own.
  std::vector<std::string> told() {
    const EventFilter lifecycle{.kinds = {EventKind::added, EventKind::started, EventKind::synced, EventKind::stopped,
                                          EventKind::removed, EventKind::error}};
    auto batch = replicator.events().read(1, lifecycle, 10'000);
    REQUIRE(batch);
    std::vector<std::string> names;
    for (const Event& event : batch->events) {
      CHECK(event.path == path);
      if (names.empty() || names.back() != name(event.kind)) names.emplace_back(name(event.kind));
    }
    return names;
  }
  bool has_told(EventKind kind) {
    auto batch = replicator.events().read(1, {.kinds = {kind}}, 1);
    REQUIRE(batch);
    return !batch->events.empty();
  }

  TempDir dir;
  std::string path = dir / "app.db";
  std::atomic<bool> refusing = false, away = false, unreadable = false, unlisted = false;
  Store store;
  std::optional<Application> app;
  Replicator replicator;
};

}  // namespace

TEST_CASE("any number of waiters ride on one upload") {
  Bench bench(milliseconds(1500));
  bench.start();
  REQUIRE(eventually([&] { return bench.settled(); }));
  // The interval begins with an upload; what comes now waits for its end.
  bench.app->insert();
  const auto first = bench.replicator.wait_durable(bench.path, {}, within(kPatience));
  REQUIRE(first);
  const std::uint64_t before = bench.status().uploads;
  bench.app->insert();
  std::atomic<int> done = 0;
  {
    std::vector<std::jthread> waiters;
    waiters.reserve(50);
    for (int n = 0; n < 50; ++n) {
      waiters.emplace_back([&] {
        const auto there = bench.replicator.wait_durable(bench.path, {}, within(kPatience));
        if (there && *there > *first) ++done;
      });
    }
  }
  CHECK(done == 50);
  CHECK(bench.status().uploads == before + 1);
}

TEST_CASE("waiting for a position, past or to come") {
  Bench bench;
  bench.start();
  REQUIRE(eventually([&] { return bench.settled(); }));
  const TxId now = bench.status().replicated_txid;
  const auto past = bench.replicator.wait_durable(bench.path, now, within(kPatience));
  REQUIRE(past);
  CHECK(*past >= now);
  std::jthread writer([&] {
    Application other(bench.path);
    // Each is captured before the next, so that every one has a TXID of its own.
    for (std::uint64_t n = 1; n <= 3; ++n) {
      other.insert();
      if (!eventually([&] { return bench.replicator.status(bench.path)->local_txid >= TxId{now.value + n}; })) return;
    }
  });
  const auto later = bench.replicator.wait_durable(bench.path, TxId{now.value + 3}, within(kPatience));
  REQUIRE(later);
  CHECK(later->value >= now.value + 3);
}

TEST_CASE("waiting that cannot succeed says why") {
  Bench bench;
  const auto refused = [&](const std::string& path, const Call& call = within(kPatience)) {
    const auto outcome = bench.replicator.wait_durable(path, {}, call);
    REQUIRE_FALSE(outcome);
    return outcome.error();
  };
  CHECK(refused("/nowhere.db").code == Errc::not_found);
  CHECK(refused(bench.path).message == "database not open: " + bench.path);
  DatabaseConfig bare;
  bare.path = bench.dir / "bare.db";
  REQUIRE(bench.replicator.add(bare));
  CHECK(refused(bare.path).message == "database has no replica configured: " + bare.path);

  bench.start();
  REQUIRE(eventually([&] { return bench.settled(); }));
  bench.away = true;
  bench.app->insert();
  REQUIRE(eventually([&] { return bench.status().last_error.has_value(); }));
  const Error late = refused(bench.path, within(milliseconds(50)));
  CHECK(late.code == Errc::timed_out);
  CHECK(late.message == "timeout waiting for wait");
  CHECK(late.hint.find("the store is away") != std::string::npos);

  std::stop_source stop;
  stop.request_stop();
  CHECK(refused(bench.path, {.stop = stop.get_token()}).code == Errc::cancelled);

  // Closed meanwhile, without having got that far.
  std::optional<Error> ended;
  std::jthread waiter([&] {
    const auto outcome = bench.replicator.wait_durable(bench.path, TxId{1'000'000}, within(kPatience));
    if (!outcome) ended = outcome.error();
  });
  bench.away = false;
  REQUIRE(bench.replicator.stop(bench.path, within(kPatience)));
  waiter.join();
  REQUIRE(ended);
  CHECK((ended->code == Errc::cancelled || ended->message == "database not open: " + bench.path));
}

TEST_CASE("the status says how far the replica is behind, and since when") {
  Bench bench;
  bench.start();
  REQUIRE(eventually([&] { return bench.settled() && bench.status().lag_bytes == 0; }));
  CHECK_FALSE(bench.status().behind_since);
  bench.away = true;
  const Timestamp before = SystemClock().now();
  bench.app->insert();
  // Bytes are seen in the log a moment before a file holds them, which says since when.
  REQUIRE(eventually([&] { return bench.status().behind_since.has_value(); }));
  const DatabaseStatus behind = bench.status();
  CHECK(behind.lag_bytes > 0);
  CHECK(*behind.behind_since >= before);
  CHECK(*behind.behind_since <= SystemClock().now());
  const TxId seen = behind.local_txid;
  bench.app->insert();
  REQUIRE(eventually([&] { return bench.status().local_txid > seen; }));
  CHECK(bench.status().lag_bytes > behind.lag_bytes);
  CHECK(bench.status().behind_since == behind.behind_since);
  bench.away = false;
  REQUIRE(bench.replicator.sync(bench.path, true, within(kPatience)));
  CHECK(bench.status().lag_bytes == 0);
  CHECK_FALSE(bench.status().behind_since);
}

TEST_CASE("what lay here before the start is no lag once the replica has it") {
  Bench bench;
  bench.start();
  REQUIRE(bench.replicator.sync(bench.path, true, within(kPatience)));
  REQUIRE(bench.replicator.stop(bench.path, within(kPatience)));
  bench.start();
  CHECK(bench.status().lag_bytes == 0);
  REQUIRE(eventually([&] { return bench.settled(); }));
  CHECK(bench.status().lag_bytes == 0);
  // Captured, never uploaded, and found again by the next start.
  bench.away = true;
  bench.app->insert();
  REQUIRE(bench.replicator.sync(bench.path, false, within(kPatience)));
  const auto stopped = bench.replicator.stop(bench.path, within(milliseconds(100)));
  CHECK_FALSE(stopped);
  CHECK(bench.status().lag_bytes > 0);
}

TEST_CASE("a database's life as events") {
  Bench bench;
  bench.start();
  REQUIRE(bench.replicator.sync(bench.path, true, within(kPatience)));
  REQUIRE(bench.replicator.snapshot(bench.path, within(kPatience)));
  REQUIRE(eventually([&] { return bench.settled(); }));
  REQUIRE(bench.replicator.stop(bench.path, within(kPatience)));
  REQUIRE(bench.replicator.remove(bench.path, within(kPatience)));
  CHECK(bench.told() == std::vector<std::string>{"added", "started", "synced", "stopped", "removed"});
  CHECK(bench.has_told(EventKind::snapshot));
}

TEST_CASE("an error is told once, lag and its end once each") {
  Bench bench(milliseconds(10), milliseconds(400));
  bench.start();
  REQUIRE(eventually([&] { return bench.settled(); }));
  bench.away = true;
  bench.app->insert();
  REQUIRE(eventually([&] { return bench.has_told(EventKind::lagging); }));
  REQUIRE(eventually([&] { return bench.has_told(EventKind::error); }));
  bench.app->insert();
  bench.away = false;
  REQUIRE(eventually([&] { return bench.has_told(EventKind::caught_up); }));
  REQUIRE(eventually([&] { return bench.settled(); }));
  const auto of = [&](EventKind kind) {
    auto batch = bench.replicator.events().read(1, {.kinds = {kind}}, 100);
    REQUIRE(batch);
    return std::move(batch->events);
  };
  auto errors = of(EventKind::error);
  std::erase_if(errors,
                [](const Event& e) { return e.detail.find("maintenance failed: ") == 0; });  // its first snapshot
  REQUIRE(errors.size() == 1);
  CHECK(errors[0].code == "unavailable");
  CHECK(errors[0].detail.find("upload failed: ") == 0);
  CHECK(of(EventKind::lagging).size() == 1);
  CHECK(of(EventKind::caught_up).size() == 1);
  CHECK(of(EventKind::lagging)[0].seq < of(EventKind::caught_up)[0].seq);
}

TEST_CASE("a store that refuses uploads is told of as such, once until one succeeds") {
  Bench bench;
  bench.start();
  REQUIRE(eventually([&] { return bench.settled(); }));
  CHECK_FALSE(bench.status().auth_failed);
  const auto told = [&] {
    auto batch = bench.replicator.events().read(1, {.kinds = {EventKind::auth_failed}}, 100);
    REQUIRE(batch);
    return std::move(batch->events);
  };
  for (std::size_t time = 1; time <= 2; ++time) {
    bench.refusing = true;
    bench.app->insert();
    REQUIRE(eventually([&] { return bench.status().auth_failed; }));
    bench.app->insert();
    const auto captured = bench.status().local_txid;
    REQUIRE(eventually([&] { return bench.status().local_txid > captured; }));  // the WAL does not wait
    REQUIRE(eventually([&] { return told().size() == time; }));
    CHECK(told().back().code == "permission_denied");
    CHECK(told().back().detail.find("wrong secret") != std::string::npos);
    bench.refusing = false;
    REQUIRE(eventually([&] { return bench.settled() && !bench.status().auth_failed; }));
    CHECK(told().size() == time);
  }
  // Another error is none of this kind.
  bench.away = true;
  bench.app->insert();
  REQUIRE(eventually([&] { return bench.status().last_error.has_value(); }));
  CHECK_FALSE(bench.status().auth_failed);
  CHECK(told().size() == 2);
}

TEST_CASE("an error of maintenance goes with it, also in an idle database") {
  Bench bench;
  std::atomic<bool> no_snapshots = true;
  bench.store.plan = [&](std::string_view operation, std::string_view key) -> std::optional<Fault> {
    const bool snapshot = operation == "put" && key.find("/9/") != std::string_view::npos;
    return snapshot && no_snapshots ? unavailable() : std::nullopt;
  };
  bench.start();
  REQUIRE(eventually([&] { return bench.settled() && bench.status().last_error.has_value(); }));
  CHECK_FALSE(bench.status().auth_failed);
  no_snapshots = false;
  REQUIRE(eventually([&] { return !bench.status().last_error; }));
  CHECK(bench.status().uploads == 1);
}

TEST_CASE("a stop does not take a position of another history for its own") {
  Bench bench;
  const std::string meta = bench.dir / ".app.db-litestream", copy = bench.dir / "copy.db", copied = bench.dir / "copy";
  const auto write_and_sync = [&](int times) {
    for (int n = 0; n < times; ++n) {
      bench.app->insert();
      REQUIRE(bench.replicator.sync(bench.path, true, within(kPatience)));
    }
  };
  const auto stop = [&] { REQUIRE(bench.replicator.stop(bench.path, within(kPatience))); };
  bench.start();
  write_and_sync(2);
  stop();
  bench.app->close();
  fs::copy(bench.path, copy);
  fs::copy(meta, copied, fs::copy_options::recursive);
  bench.app->open();
  bench.start();
  write_and_sync(4);
  stop();
  const TxId ahead = bench.status().replicated_txid;

  // An older copy of everything is put back and goes on; the replica cannot be read when that could be found out.
  bench.app->close();
  fs::remove_all(meta);
  for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(bench.path + suffix);
  fs::copy(copy, bench.path);
  fs::copy(copied, meta, fs::copy_options::recursive);
  bench.app->open();
  bench.unlisted = bench.unreadable = true;
  bench.start();
  while (bench.status().local_txid < ahead) {  // as far as the replica, by another way
    bench.app->insert();
    REQUIRE(bench.replicator.sync(bench.path, false, within(kPatience)));
  }
  bench.unlisted = false;
  REQUIRE(eventually([&] { return bench.status().replicated_txid == ahead && bench.status().last_error; }));
  bench.unreadable = false;
  const auto stopped = bench.replicator.stop(bench.path, within(kPatience));
  REQUIRE(stopped);
  const std::string output = bench.dir / "restored";
  auto restored = restore_database(Replica(bench.store.memory, "db"), {}, {.output = output}, {});
  REQUIRE(restored);
  CHECK((serialized(output) == serialized(bench.path)));
}

TEST_CASE("what cannot be captured counts as lag, from the first failure on") {
  struct Full final : io::Gate {
    bool full = false;
    std::optional<Error> before(std::string_view operation, std::string_view) override {
      return full && operation == "write" ? std::optional(Error{Errc::no_space, "disk full"}) : std::nullopt;
    }
  } gate;
  Fixture f;
  Application app(f.path);
  app.fill(20);
  auto daemon = f.daemon(&gate);
  sync(*daemon);
  CHECK(daemon->status().lag_bytes == 0);
  CHECK_FALSE(daemon->status().behind_since);
  gate.full = true;
  app.update(2);
  const Timestamp first = f.clock.now();
  REQUIRE_FALSE(daemon->capture({}));
  const std::uint64_t one = daemon->status().lag_bytes;
  CHECK(one >= 4096);
  f.clock.pass(std::chrono::seconds(5));
  app.update(3);
  REQUIRE_FALSE(daemon->capture({}));
  CHECK(daemon->status().lag_bytes > one);
  CHECK(daemon->status().behind_since == first);
  gate.full = false;
  capture(*daemon);
  CHECK(daemon->status().lag_bytes > 0);
  CHECK(daemon->status().behind_since == f.clock.now());
  ship(*daemon);
  CHECK(daemon->status().lag_bytes == 0);
  CHECK_FALSE(daemon->status().behind_since);
}

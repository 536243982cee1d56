// Several copies of one database: each with a position of its own, all of one history.
#include "destinations_fixture.hpp"
#include "engine/trim.hpp"

using namespace destinations_fixture;
using engine::Holding;
using engine::trim_limit;

namespace {

// Three commits from `first` on, each of them on both replicas before the next.
void goes_on(Pair& f, Application& app, engine::Database& database, int first) {
  for (int n = first; n < first + 3; ++n) {
    app.update(n);
    capture(database);
    ship(database);
    ship(database);
    CHECK(database.replicated() == database.captured());
    f.check_equal();
  }
}

}  // namespace

TEST_CASE("each destination has a position of its own") {
  Pair f;
  Application app(f.path);
  app.fill(20);
  auto database = f.daemon();
  sync(*database);
  f.check_equal();

  f.b.plan = away();
  for (int n = 1; n < 4; ++n) {
    app.update(n);
    capture(*database);
    auto shipped = database->ship({});
    REQUIRE_FALSE(shipped);
    CHECK(shipped.error().message.find("replica mem://b/db") != std::string::npos);
  }
  CHECK(database->destination(0).replicated() == TxId{4});
  CHECK(database->destination(1).replicated() == TxId{1});
  CHECK(database->replicated() == TxId{1});
  CHECK(database->durable() == TxId{1});
  f.check_equal(f.on_a);

  f.b.plan = nullptr;
  ship(*database);
  CHECK(database->durable() == TxId{4});
  f.check_equal();
  CHECK(Pair::listed(f.on_b, 0).back().range.max == TxId{4});
  CHECK(Pair::listed(f.on_b, kSnapshotLevel).empty());  // nothing was missing here
}

TEST_CASE("the status takes the destinations together, and shows each") {
  Pair f;
  Application app(f.path);
  app.fill(20);
  auto database = f.daemon();
  sync(*database);
  const auto both = f.clock.now();
  f.b.plan = [](std::string_view operation, std::string_view) -> std::optional<Fault> {
    if (operation != "put") return std::nullopt;
    return Fault{{Errc::permission_denied, "no entry"}};
  };
  f.clock.pass(std::chrono::seconds(10));
  app.update(1);
  capture(*database);
  const auto behind = f.clock.now();
  auto shipped = database->ship({});
  REQUIRE_FALSE(shipped);
  database->note_error(1, {Errc::permission_denied, "no entry"}, false);
  CHECK(database->destination(1).note_upload_failure({Errc::permission_denied, "no entry"}));

  const DatabaseStatus status = database->status();
  CHECK(status.replica_url == "mem://a/db");
  CHECK(status.replicated_txid == TxId{1});
  CHECK(status.last_sync_at == both);
  CHECK(status.auth_failed);
  CHECK(status.lag_bytes > 0);
  CHECK(status.behind_since == behind);
  REQUIRE(status.last_error);
  CHECK(status.last_error->message == "replica mem://b/db: no entry");
  REQUIRE(status.replicas.size() == 2);
  CHECK(status.replicas[0].url == "mem://a/db");
  CHECK(status.replicas[0].replicated_txid == TxId{2});
  CHECK(status.replicas[0].last_sync_at == behind);
  CHECK(status.replicas[0].lag_bytes == 0);
  CHECK_FALSE(status.replicas[0].behind_since);
  CHECK_FALSE(status.replicas[0].last_error);
  CHECK_FALSE(status.replicas[0].auth_failed);
  CHECK(status.replicas[1].replicated_txid == TxId{1});
  CHECK(status.replicas[1].lag_bytes == status.lag_bytes);
  CHECK(status.replicas[1].auth_failed);
  CHECK(status.replicas[1].last_error->message == "no entry");

  f.b.plan = nullptr;
  ship(*database);
  CHECK_FALSE(database->status().last_error);
  CHECK_FALSE(database->status().auth_failed);
  CHECK(database->status().replicated_txid == TxId{2});
}

TEST_CASE("events say which of several replicas they are about") {
  Pair f;
  Application app(f.path);
  app.fill(20);
  EventBus events;
  auto database = f.daemon(nullptr, &events);
  sync(*database);
  REQUIRE(database->snapshot({}));
  auto read = events.read(1, {}, 100);
  REQUIRE(read);
  std::vector<std::string> snapshots;
  for (const Event& event : read->events) {
    if (event.kind == EventKind::snapshot) snapshots.push_back(event.replica);
    if (event.kind == EventKind::started) CHECK(event.replica.empty());
  }
  CHECK(snapshots == std::vector<std::string>{"mem://a/db", "mem://b/db"});
}

TEST_CASE("without local state the destination that reaches furthest counts, of those that answer") {
  // Which is away at first.
  const bool a_away = GENERATE(false, true);
  const bool b_away = GENERATE(false, true);
  CAPTURE(a_away, b_away);
  Pair f;
  Application app(f.path);
  app.fill(20);
  auto database = f.daemon();
  sync(*database);
  f.b.plan = away();
  for (int n = 1; n < 4; ++n) {
    app.update(n);
    capture(*database);
    REQUIRE_FALSE(database->ship({}));
  }
  database.reset();
  fs::remove_all(f.meta);
  f.a.plan = a_away ? away() : FaultPlan();
  f.b.plan = b_away ? away() : FaultPlan();
  app.update(7);

  database = f.daemon();
  auto captured = database->capture({});
  REQUIRE(captured.has_value() != (a_away && b_away));
  if (captured) {
    CHECK(database->captured() >= TxId{a_away ? 2U : 4U});
    for (int n = 8; n < 11; ++n) {
      app.update(n);
      capture(*database);
      static_cast<void>(database->ship({}));
    }
    if (!a_away) f.check_equal(f.on_a);
    if (!b_away) f.check_equal(f.on_b);
  }
  f.a.plan = f.b.plan = nullptr;
  // The one that comes back may be ahead, or of another history: what is here goes on behind it.
  goes_on(f, app, *database, 11);
  f.check_history(f.on_a);
  f.check_history(f.on_b);
}

TEST_CASE("destinations with different histories come together, and stay so") {
  // The second one's history has as many TXIDs as the first one's, fewer, or more.
  const int ours = 3, theirs = GENERATE(1, 2, 3, 4, 6);
  const bool lost = GENERATE(false, true);  // the local state
  CAPTURE(theirs, lost);
  Pair f;
  {
    Fixture other;
    other.store.memory = f.b.memory;
    Application app(other.path);
    app.fill(30);
    engine::Database database({.path = other.path,
                               .busy_timeout = std::chrono::milliseconds(50),
                               .backend = f.b.memory,
                               .backend_path = "db"},
                              other.options, {&other.clock, &null_logger()});
    for (int n = 1; n <= theirs; ++n) {
      app.update(n);
      sync(database);
    }
  }
  f.clock.pass(std::chrono::hours(1));
  Application app(f.path);
  app.fill(20);
  f.b.plan = away();
  auto database = f.daemon();
  for (int n = 1; n <= ours; ++n) {
    app.update(n);
    capture(*database);
    REQUIRE_FALSE(database->ship({}));
  }
  if (lost) {
    database.reset();
    fs::remove_all(f.meta);
    database = f.daemon();
  }
  f.b.plan = nullptr;
  goes_on(f, app, *database, 10);
  const auto anchors = database->status().reanchors;
  const auto snapshots = Pair::listed(f.on_a, kSnapshotLevel).size() + Pair::listed(f.on_b, kSnapshotLevel).size();
  CHECK(snapshots <= 2);
  for (int n = 13; n < 18; ++n) {
    app.update(n);
    sync(*database);
  }
  CHECK(database->status().reanchors == anchors);
  CHECK(Pair::listed(f.on_a, kSnapshotLevel).size() + Pair::listed(f.on_b, kSnapshotLevel).size() == snapshots);
  f.check_equal();
  f.check_history(f.on_a);
}

TEST_CASE("a local file that is lost before one destination has it is not given again with other content") {
  Pair f;
  Application app(f.path);
  app.fill(20);
  auto database = f.daemon();
  sync(*database);
  f.b.plan = away();
  app.update(3);
  capture(*database);
  REQUIRE_FALSE(database->ship({}));
  const TxId lost = database->captured();
  fs::remove(f.meta + "/ltx/0/" + ltx_file_name({lost, lost}));
  f.b.plan = nullptr;
  app.update(4);
  for (int n = 0; n < 3; ++n) static_cast<void>(database->ship({}));
  sync(*database);
  f.check_equal();
  app.update(5);
  sync(*database);
  f.check_equal();
  f.check_history(f.on_a);
  f.check_history(f.on_b);
}

TEST_CASE("what may go of the local files depends on all destinations") {
  std::vector<LtxFileInfo> files;
  for (std::uint64_t n = 5; n <= 20; ++n) files.push_back({.range = {{n}, {n}}, .size = 10});
  const auto limit = [&](std::vector<Holding> holdings, std::uint64_t budget) {
    return trim_limit(files, holdings, budget).value;
  };
  CHECK(limit({}, 1000) == 0);
  CHECK(limit({{{20}, {12}, true}}, 0) == 12);  // with one, what it covers
  CHECK(limit({{{20}, {12}, true}, {{20}, {18}, true}}, 1000) == 12);
  // The file at a position stays.
  CHECK(limit({{{12}, {12}, true}, {{20}, {18}, true}}, 1000) == 11);
  // 8…18, of 110 bytes, are only missing from the first.
  CHECK(limit({{{8}, {7}, true}, {{20}, {18}, true}}, 110) == 7);
  CHECK(limit({{{8}, {7}, true}, {{20}, {18}, true}}, 109) == 18);
  // Nobody covers them.
  CHECK(limit({{{8}, {7}, true}, {{20}, {7}, true}}, 0) == 7);
  // It has a hole already.
  CHECK(limit({{{2}, {2}, true}, {{20}, {18}, true}}, 1000) == 18);
  // Unknown is not the same: it may need all that is here.
  CHECK(limit({{{0}, {0}, false}, {{20}, {18}, true}}, 1000) == 0);
  CHECK(limit({{{0}, {0}, false}, {{20}, {18}, true}}, 100) == 18);
}

TEST_CASE("a dead destination does not fill the disk, and gets a snapshot when it is back") {
  Pair f;
  f.options.l0_retention = std::chrono::minutes(1);
  Application app(f.path);
  app.fill(60);
  auto database = f.daemon();
  sync(*database);
  f.b.plan = away();
  const auto database_bytes = [&] { return fs::file_size(f.path) + fs::file_size(f.path + "-wal"); };
  std::uintmax_t most = 0;
  std::size_t files = 0;
  for (int n = 0; n < 60; ++n) {
    app.update(1 + n % 20);
    f.clock.pass(std::chrono::seconds(40));
    capture(*database);
    REQUIRE_FALSE(database->ship({}));
    static_cast<void>(database->maintain({}));
    std::uintmax_t kept = 0;
    for (const auto& name : f.local()) kept += fs::file_size(f.meta + "/ltx/0/" + name);
    most = std::max(most, kept);
    files = std::max(files, f.local().size());
  }
  CHECK(files > 10);  // what it lacks is kept at first
  CHECK(most < 2 * database_bytes());
  CHECK(f.local().size() < 40);
  CHECK_FALSE(f.local().empty());
  f.check_equal(f.on_a);

  f.b.plan = nullptr;
  ship(*database);
  CHECK(database->durable() == database->captured());
  CHECK(Pair::listed(f.on_b, kSnapshotLevel).size() == 1);
  CHECK(Pair::listed(f.on_a, kSnapshotLevel).size() <= 1);
  f.check_equal();
  for (int n = 1; n < 4; ++n) {
    app.update(n);
    sync(*database);
    f.clock.pass(std::chrono::seconds(40));
    maintain(*database);
  }
  CHECK(Pair::listed(f.on_b, kSnapshotLevel).size() <= 2);
  f.check_equal();
}

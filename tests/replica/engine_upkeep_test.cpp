// What compaction, snapshots and retention do when something stands in their way.
#include "engine/maintain.hpp"
#include "engine_fixture.hpp"

using namespace engine_fixture;

namespace {

// `count` level-0 files on the replica, a second apart.
void write_history(Fixture& f, Application& app, engine::Database& daemon, int count) {
  for (int n = 0; n < count; ++n) {
    app.update(n + 1);
    sync(daemon);
    f.clock.pass(std::chrono::seconds(1));
  }
}

}  // namespace

TEST_CASE("retention goes on in an idle database after a removal has failed") {
  Fixture f;
  Application app(f.path);
  app.fill(20);
  auto daemon = f.daemon();
  sync(*daemon);
  write_history(f, app, *daemon, 5);
  f.clock.pass(std::chrono::minutes(10));
  f.store.plan = [](std::string_view operation, std::string_view) {
    return operation == "remove" ? unavailable() : std::nullopt;
  };
  REQUIRE_FALSE(daemon->maintain({}));
  f.store.plan = nullptr;
  REQUIRE(f.listed(0).size() == 6);
  maintain(*daemon);
  CHECK(f.listed(0).size() == 1);
  CHECK(names_in(f.meta + "/ltx/0").size() == 1);
  f.check_equal();
}

TEST_CASE("what a killed daemon left of snapshots and compactions goes at the next start") {
  Fixture f;
  Application app(f.path);
  app.fill(20);
  write_text(f.meta + "/scratch/0000000000000001-0000000000000007.ltx.3", "a snapshot as large as the database");
  write_text(f.meta + "/scratch/1-0000000000000001-0000000000000007.ltx.tmp", "a compaction");
  auto daemon = f.daemon();
  sync(*daemon);
  CHECK(names_in(f.meta + "/scratch").empty());
  auto snapshot = daemon->snapshot({});
  REQUIRE(snapshot);
  CHECK(names_in(f.meta + "/scratch").empty());
}

TEST_CASE("a damaged file stops neither snapshots nor retention") {
  Fixture f;
  Application app(f.path);
  app.fill(20);
  auto daemon = f.daemon();
  sync(*daemon);
  write_history(f, app, *daemon, 3);
  // A little behind an instant of level 2, so that it is not due again at once.
  f.clock.pass(engine::aligned(f.clock.now(), f.options.levels[1]) + f.options.levels[1] - f.clock.now());
  maintain(*daemon);
  REQUIRE(f.listed(1).size() == 1);
  REQUIRE(f.listed(kSnapshotLevel).size() == 1);
  // Level 2 will want this one.
  app.update(7);
  sync(*daemon);
  f.clock.pass(std::chrono::seconds(40));
  maintain(*daemon);
  REQUIRE(f.listed(1).size() == 2);
  const LtxFileInfo victim = f.listed(1).back();
  MemorySink bytes;
  auto got = f.store.memory->get(f.replica.key(1, victim.range), {}, bytes, {});
  REQUIRE(got);
  ByteVector damaged = bytes.take();
  damaged[damaged.size() / 2] ^= std::byte{0x55};
  MemorySource body(damaged);
  auto put = f.store.memory->put(f.replica.key(1, victim.range), body, {.modified_at = victim.created_at}, {});
  REQUIRE(put);

  app.update(8);
  sync(*daemon);
  f.clock.pass(std::chrono::hours(25));
  auto maintained = daemon->maintain({});
  REQUIRE_FALSE(maintained);
  CHECK(maintained.error().code == Errc::corrupt);
  const auto snapshots = f.listed(kSnapshotLevel);
  REQUIRE_FALSE(snapshots.empty());
  CHECK(snapshots.back().range.max == daemon->captured());
  CHECK(f.listed(0).size() == 1);
  f.check_equal();
}

TEST_CASE("retention that is switched off deletes nothing from the replica") {
  Fixture f;
  f.options.retention_enabled = false;
  Application app(f.path);
  app.fill(20);
  auto daemon = f.daemon();
  sync(*daemon);
  write_history(f, app, *daemon, 5);
  f.clock.pass(std::chrono::hours(30));
  f.store.plan = [](std::string_view operation, std::string_view) {
    return operation == "remove" ? unavailable() : std::nullopt;
  };
  maintain(*daemon);
  app.update(2);
  sync(*daemon);
  f.clock.pass(std::chrono::hours(30));
  maintain(*daemon);
  CHECK(f.listed(0).size() == 7);
  CHECK(f.listed(kSnapshotLevel).size() == 2);
  CHECK(names_in(f.meta + "/ltx/0").size() == 1);
}

TEST_CASE("a store that refuses to delete is told of once, and everything else goes on") {
  Fixture f;
  EventBus events;
  Application app(f.path);
  app.fill(20);
  engine::Database daemon(f.config(), f.options, {.clock = &f.clock, .logger = &null_logger(), .events = &events});
  sync(daemon);
  write_history(f, app, daemon, 5);
  int removals = 0, listings = 0;
  f.store.plan = [&](std::string_view operation, std::string_view) -> std::optional<Fault> {
    if (operation == "list") ++listings;
    if (operation != "remove") return {};
    ++removals;
    return Fault{{Errc::permission_denied, "AccessDenied"}};
  };
  f.clock.pass(std::chrono::minutes(10));
  for (int n = 0; n < 10; ++n) {
    maintain(daemon);
    app.update(n + 1);
    sync(daemon);
    f.clock.pass(std::chrono::minutes(1));
  }
  // Asked once, listed once again; compaction, uploads and the files beside the database are as ever.
  CHECK(removals == 1);
  CHECK(listings <= 2 * (kSnapshotLevel + 1));
  CHECK(f.listed(0).size() == 16);
  CHECK_FALSE(f.listed(1).empty());
  CHECK(names_in(f.meta + "/ltx/0").size() < 10);
  f.check_equal();
  f.check_history();
  const DatabaseStatus refused = daemon.status();
  CHECK_FALSE(refused.last_error);
  CHECK_FALSE(refused.auth_failed);
  REQUIRE(refused.retention_error);
  CHECK(refused.retention_error->code == Errc::permission_denied);
  const auto told = events.read(1, {.kinds = {EventKind::error}}, 100);
  REQUIRE(told);
  REQUIRE(told->events.size() == 1);
  CHECK(told->events[0].code == "permission_denied");
  CHECK(told->events[0].detail.starts_with("retention refused: retain level 0: "));
  CHECK(told->events[0].detail.ends_with("AccessDenied"));

  // Asked again an hour later; when that is granted the state ends.
  f.clock.pass(std::chrono::hours(1));
  maintain(daemon);
  CHECK(removals == 2);
  f.store.plan = nullptr;
  CHECK(daemon.next_maintenance() <= f.clock.now() + std::chrono::hours(1));
  f.clock.pass(std::chrono::hours(1));
  maintain(daemon);
  CHECK_FALSE(daemon.status().retention_error);
  CHECK(f.listed(0).size() == 1);
  CHECK(events.read(1, {.kinds = {EventKind::error}}, 100)->events.size() == 1);
  f.check_equal();
}

TEST_CASE("files that compaction writes while levels are listed are not forgotten") {
  Fixture f;
  engine::Levels levels;
  bool done = false;
  const LtxFileInfo late{.level = 1, .range = {{1}, {4}}, .size = 200};
  f.store.plan = [&](std::string_view operation, std::string_view key) -> std::optional<Fault> {
    if (operation == "list" && key == "db/ltx/5/" && !std::exchange(done, true)) {
      MemorySource body(as_bytes(std::span("x")));
      auto put = f.store.memory->put(f.replica.key(1, late.range), body, {}, {});
      levels.added(late);
    }
    return std::nullopt;
  };
  auto loaded = levels.load(Replica(f.store.backend, "db"), {});
  REQUIRE(loaded);
  REQUIRE(done);
  REQUIRE(levels.newest(1));
  CHECK(levels.newest(1)->range == late.range);
}

TEST_CASE("a checkpoint that fails is not tried at every capture") {
  struct NoCheckpoints final : io::Gate {
    int asked = 0;
    std::optional<Error> before(std::string_view operation, std::string_view) override {
      if (operation != "checkpoint") return std::nullopt;
      ++asked;
      return Error{Errc::io, "no checkpoints today"};
    }
  } gate;
  Fixture f;
  Application app(f.path);
  app.fill(20);
  DatabaseConfig config = f.config();
  config.min_checkpoint_page_count = 1;
  engine::Database daemon(config, f.options, {&f.clock, &null_logger(), &gate});
  for (int n = 1; n <= 10; ++n) {
    app.update(n);
    sync(daemon);
  }
  CHECK(gate.asked == 1);
  CHECK(daemon.status().checkpoint_errors == 1);
  f.clock.pass(std::chrono::minutes(1));
  sync(daemon);
  CHECK(gate.asked == 2);
  f.check_equal();
}

TEST_CASE(
    "a checkpoint that writers keep from completing is tried again when the log has grown, or some time has passed") {
  struct Writer final : io::Gate {
    Application* app = nullptr;
    int asked = 0;
    std::optional<Error> before(std::string_view operation, std::string_view) override {
      if (operation != "checkpoint") return std::nullopt;
      ++asked;
      app->update(1);  // between the pin and the end of the checkpoint, each time
      return std::nullopt;
    }
  } gate;
  Fixture f;
  Application app(f.path);
  app.fill(20);
  gate.app = &app;
  DatabaseConfig config = f.config();
  config.min_checkpoint_page_count = 1;
  engine::Database daemon(config, f.options, {&f.clock, &null_logger(), &gate});
  const auto tries_after = [&](auto&& happening) {
    const int before = gate.asked;
    happening();
    sync(daemon);
    return gate.asked > before;
  };
  REQUIRE(tries_after([] {}));
  CHECK_FALSE(tries_after([&] { app.update(1); }));
  CHECK(tries_after([&] { app.run("UPDATE t SET v = randomblob(1500)"); }));
  CHECK_FALSE(tries_after([&] { app.update(2); }));
  CHECK(tries_after([&] {
    f.clock.pass(std::chrono::seconds(10));
    app.update(3);
  }));
  f.check_equal();
}

TEST_CASE("a new replica gets each level in its time, not all copies at once") {
  Fixture f;
  constexpr std::chrono::minutes kLongest(5);
  f.clock.pass(engine::aligned(f.clock.now(), kLongest) + kLongest + std::chrono::seconds(1) - f.clock.now());
  Application app(f.path);
  app.fill(20);
  auto daemon = f.daemon();
  const auto sizes = [&] { return std::vector{f.listed(0).size(), f.listed(1).size(), f.listed(2).size()}; };
  sync(*daemon);
  maintain(*daemon);
  CHECK(sizes() == std::vector<std::size_t>{1, 0, 0});
  CHECK(f.listed(kSnapshotLevel).size() == 1);
  f.clock.pass(std::chrono::seconds(30));
  maintain(*daemon);
  CHECK(sizes() == std::vector<std::size_t>{1, 1, 0});
  f.clock.pass(kLongest);
  REQUIRE(daemon->next_maintenance() <= f.clock.now());
  maintain(*daemon);
  CHECK(sizes() == std::vector<std::size_t>{1, 1, 1});
  f.check_equal();
}

TEST_CASE("without maintenance by itself only what is asked for is done") {
  Fixture f;
  f.options.maintain = false;
  f.options.snapshot_retention = std::chrono::milliseconds(1);
  Application app(f.path);
  app.fill(20);
  auto daemon = f.daemon();
  for (int n = 1; n <= 3; ++n) {
    app.update(n);
    sync(*daemon);
    REQUIRE(daemon->snapshot({}));
    f.clock.pass(std::chrono::hours(25));
    CHECK_FALSE(daemon->next_maintenance());
  }
  CHECK(f.listed(kSnapshotLevel).size() == 3);
  REQUIRE(daemon->enforce_retention({}));
  CHECK(f.listed(kSnapshotLevel).size() == 1);
}

// What was captured between two uploads goes to the replica as one object.
#include "engine/upload_plan.hpp"
#include "engine_fixture.hpp"

using namespace engine_fixture;
using namespace std::chrono_literals;

namespace {

// `at` ms after the first, ascending TXIDs unless `min` says otherwise.
LtxFileInfo file(std::uint64_t min, int at, std::uint64_t size = 100) {
  return {
      .level = 0, .range = {{min}, {min}}, .size = size, .created_at = Timestamp{1h + std::chrono::milliseconds(at)}};
}

std::vector<std::string> names(const std::vector<LtxFileInfo>& files) {
  std::vector<std::string> found;
  found.reserve(files.size());
  for (const auto& f : files) found.push_back(ltx_file_name(f.range));
  return found;
}

struct Scene {
  Fixture f;
  Application app{f.path};
  std::unique_ptr<engine::Database> daemon;

  explicit Scene(io::Gate* gate = nullptr) {
    app.fill(20);
    daemon = f.daemon(gate);
    sync(*daemon);
    f.clock.pass(10s);
  }
  void commit(int id) {
    app.update(id);
    capture(*daemon);
    f.clock.pass(100ms);
  }
};

}  // namespace

TEST_CASE("what is uploaded together") {
  const auto together = [](std::span<const LtxFileInfo> pending, std::chrono::milliseconds interval,
                           std::uint64_t max_bytes) {
    return engine::uploaded_together(pending, {.interval = interval, .max_bytes = max_bytes});
  };
  const std::vector<LtxFileInfo> files{file(1, 0), file(2, 400), file(3, 1499), file(4, 1500)};
  CHECK(together(files, 1s, 0) == 3);
  CHECK(together(std::span(files).subspan(1), 1s, 0) == 3);
  CHECK(together(std::span(files).first(1), 1s, 0) == 1);
  CHECK(together(files, 0s, 0) == 1);
  CHECK(together(files, 1s, 299) == 2);
  CHECK(together(files, 1s, 300) == 3);
  const std::vector<LtxFileInfo> hole{file(1, 0), file(3, 1)};
  CHECK(together(hole, 1s, 0) == 1);
  const std::vector<LtxFileInfo> clock_set_back{file(1, 5000), file(2, 0)};
  CHECK(together(clock_set_back, 1s, 0) == 1);
  std::vector<LtxFileInfo> many;
  for (std::uint64_t n = 1; n <= 200; ++n) many.push_back(file(n, 0));
  CHECK(together(many, 1s, 0) == engine::kMostTogether);
}

TEST_CASE("what a store links instead of copying it is merged only while it is small") {
  const auto together = [](std::span<const LtxFileInfo> pending) {
    return engine::uploaded_together(pending, {.interval = 1s, .alone_from = 1000});
  };
  const std::vector<LtxFileInfo> files{file(1, 0, 999), file(2, 10, 999), file(3, 20, 1000), file(4, 30, 1)};
  CHECK(together(files) == 2);
  CHECK(together(std::span(files).subspan(2)) == 1);
  CHECK(together(std::span(files).subspan(3)) == 1);
}

TEST_CASE("of a backlog what level 1 would hold as one is uploaded together") {
  ReplicatorOptions options;
  options.levels = {30s};
  options.l0_retention = 5min;
  const Timestamp start{1h};  // begins a window
  const std::vector<LtxFileInfo> files{file(1, 0), file(2, 10'000), file(3, 29'999), file(4, 30'000), file(5, 31'000)};
  const auto together = [&](std::span<const LtxFileInfo> pending, std::chrono::milliseconds later) {
    return engine::uploaded_together(
        pending, {.interval = 1s, .max_bytes = 0, .backlogged = engine::backlogged(options, start + later)});
  };
  CHECK(together(files, 1h) == 3);
  CHECK(together(std::span(files).subspan(3), 1h) == 2);
  SECTION("not what level 0 still keeps") {
    CHECK(together(files, 5min) == 1);
    CHECK(together(files, 5min + 10'001ms) == 2);
    CHECK(together(files, 5min + 30s) == 3);
  }
  SECTION("where level 0 is kept, not at all") {
    SECTION("for ever") { options.l0_retention = 0s; }
    SECTION("as all is") { options.retention_enabled = false; }
    SECTION("by the one who merges") { options.maintain = false; }
    SECTION("for there is no level 1") { options.levels.clear(); }
    CHECK(together(files, 1h) == 1);
  }
  SECTION("not more than is cheap to send again") {
    const std::uint64_t half = engine::kMostBytesOfBacklog / 2;
    CHECK(together(std::vector{file(1, 0, half), file(2, 2000, half), file(3, 4000, 1)}, 1h) == 2);
  }
}

TEST_CASE("captures of one interval are one object, and what a restore finds is the same") {
  Scene s;
  for (const int id : {3, 4, 3}) s.commit(id);
  s.f.clock.pass(2s);
  for (const int id : {9, 3}) s.commit(id);
  ship(*s.daemon);
  CHECK(names(s.f.listed(0)) ==
        std::vector<std::string>{ltx_file_name({{1}, {1}}), ltx_file_name({{2}, {4}}), ltx_file_name({{5}, {6}})});
  CHECK(s.daemon->durable() == TxId{6});
  CHECK(s.daemon->status().uploads == 3);
  s.f.check_equal();
  s.f.check_history();
}

TEST_CASE("a daemon continues behind a merged object, and compacts and retains it") {
  Scene s;
  for (const int id : {3, 4, 3}) s.commit(id);
  ship(*s.daemon);
  s.daemon.reset();
  s.app.update(7);
  s.daemon = s.f.daemon();
  sync(*s.daemon);
  CHECK(s.daemon->status().reanchors == 0);
  CHECK(s.f.listed(0).size() == 3);
  CHECK(s.f.listed(kSnapshotLevel).empty());
  s.f.check_equal();

  s.f.clock.pass(10min);
  s.commit(5);
  ship(*s.daemon);
  maintain(*s.daemon);
  s.f.clock.pass(10min);
  maintain(*s.daemon);
  CHECK(s.f.listed(0).size() == 1);
  s.f.check_equal();
  s.f.check_history();
}

TEST_CASE("after an outage a backlog goes up in few objects, and catches up exactly") {
  Scene s;
  s.f.store.plan = [](std::string_view, std::string_view) { return unavailable(); };
  for (int n = 0; n < 60; ++n) {
    s.commit(n % 15 + 1);
    s.f.clock.pass(10s - 100ms);
    CHECK_FALSE(s.daemon->ship({}));
  }
  s.f.store.plan = nullptr;
  ship(*s.daemon);
  CHECK(s.daemon->replicated() == s.daemon->captured());
  // The first snapshot, ten windows of 30 s and a piece of one that are older than 5 min, and what is younger.
  CHECK(s.f.listed(0).size() >= 1 + 10 + 30);
  CHECK(s.f.listed(0).size() <= 1 + 11 + 30);
  s.f.check_equal();
  s.f.check_history();
  maintain(*s.daemon);
  s.f.check_equal();
}

TEST_CASE("a local file that is lost among those to be merged is replaced by a snapshot") {
  Scene s;
  for (const int id : {3, 4, 5}) s.commit(id);
  const std::string name = "/ltx/0/" + ltx_file_name({{3}, {3}});
  if (GENERATE(true, false))
    fs::remove(s.f.meta + name);
  else
    write_text(s.f.meta + name, "torn");
  ship(*s.daemon);
  CHECK(s.daemon->replicated() == s.daemon->captured());
  CHECK(s.f.listed(kSnapshotLevel).size() == 1);
  s.f.check_equal();
  s.commit(6);
  ship(*s.daemon);
  s.f.check_equal();
  s.f.check_history();
}

TEST_CASE("a new page size among those to be merged starts the history over") {
  Scene s;
  s.commit(3);
  s.daemon.reset();
  s.app.run("PRAGMA journal_mode=delete; PRAGMA page_size=1024; VACUUM; PRAGMA journal_mode=wal");
  s.daemon = s.f.daemon();
  for (const int id : {4, 5, 6}) s.commit(id);
  ship(*s.daemon);
  CHECK(s.daemon->replicated() == s.daemon->captured());
  CHECK(s.f.listed(0).back().range == TxRange{{4}, {5}});
  s.f.check_equal();
  s.commit(7);
  ship(*s.daemon);
  s.f.check_equal();
}

TEST_CASE("a merged upload that the store refuses is made again") {
  Scene s;
  for (const int id : {3, 4, 3}) s.commit(id);
  s.f.store.plan = [](std::string_view operation, std::string_view) {
    return operation == "put" ? unavailable() : std::nullopt;
  };
  auto refused = s.daemon->ship({});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::unavailable);
  CHECK(s.daemon->replicated() == TxId{1});
  s.f.store.plan = nullptr;
  ship(*s.daemon);
  CHECK(s.f.listed(0).size() == 2);
  s.f.check_equal();
}

TEST_CASE("every step of a merged upload fails once, and nothing is lost") {
  for (std::uint64_t nth = 1;; ++nth) {
    support::FailLater gate;
    Scene s(&gate);
    for (const int id : {3, 4, 3}) s.commit(id);
    gate.failing.emplace(nth);
    const bool shipped = s.daemon->ship({}).has_value();
    const bool failed = gate.failing->fired();
    INFO("step " << nth << ": " << gate.failing->failed());
    gate.failing.reset();
    if (!shipped) ship(*s.daemon);
    CHECK(s.daemon->replicated() == s.daemon->captured());
    s.f.check_equal();
    s.f.check_history();
    if (!failed) {
      CHECK(nth > 5);
      break;
    }
  }
}

TEST_CASE("large captures of one interval go to a file replica as they are, small ones as one object") {
  Fixture f;
  Application app(f.path);
  app.fill(20);
  DatabaseConfig config = f.config();
  config.backend = std::shared_ptr<Backend>(make_file_backend({.root = f.dir / "replica"}));
  engine::Database daemon(config, f.options, engine::Environment{&f.clock, &null_logger(), nullptr});
  sync(daemon);
  f.clock.pass(10s);
  for (int n = 0; n < 2; ++n) {
    app.run("INSERT INTO t(v) VALUES(randomblob(1200000))");
    capture(daemon);
  }
  for (int n = 0; n < 2; ++n) {
    app.insert();
    capture(daemon);
  }
  ship(daemon);
  const Replica stored(config.backend, "db");
  auto files = stored.list(0, {}, {});
  REQUIRE(files);
  CHECK(names(*files) == std::vector<std::string>{ltx_file_name({{1}, {1}}), ltx_file_name({{2}, {2}}),
                                                  ltx_file_name({{3}, {3}}), ltx_file_name({{4}, {5}})});
  const std::string output = f.dir / "restored";
  REQUIRE(restore_database(stored, {}, {.output = output, .integrity_check = IntegrityCheck::full}, {}));
  CHECK(serialized(output) == serialized(f.path));
}

// The replica holds one history: what lies beside the database is appended to it only when it is its continuation.
#include "engine_fixture.hpp"

using namespace engine_fixture;

TEST_CASE("a newest local file that vanished while nobody looked is not given again with other content") {
  Fixture f;
  Application app(f.path);
  app.fill(20);
  auto daemon = f.daemon();
  sync(*daemon);
  app.update(3);
  sync(*daemon);
  const TxId lost = daemon->captured();
  daemon.reset();
  fs::remove(f.meta + "/ltx/0/" + ltx_file_name({lost, lost}));
  app.update(9);

  daemon = f.daemon();
  sync(*daemon);  // the same TXID as the lost one has to hold more
  f.check_equal();
  app.update(15);
  sync(*daemon);
  f.check_equal();
  f.check_history();
}

TEST_CASE("a damaged newest file while the replica is away does not fork the history") {
  Fixture f;
  Application app(f.path);
  app.fill(20);
  auto daemon = f.daemon();
  sync(*daemon);
  app.update(3);
  sync(*daemon);
  const TxId last = daemon->captured();
  daemon.reset();
  write_text(f.meta + "/ltx/0/" + ltx_file_name({last, last}), "torn");
  app.update(9);

  f.store.plan = [](std::string_view, std::string_view) { return unavailable(); };
  daemon = f.daemon();
  for (int n = 0; n < 3; ++n) {
    static_cast<void>(daemon->capture({}));
    app.update(10 + n);
  }
  f.store.plan = nullptr;
  sync(*daemon);
  f.check_equal();
  app.update(15);
  sync(*daemon);
  f.check_equal();
  f.check_history();
}

TEST_CASE("an older copy of database and local store put back in place starts from what the replica holds") {
  // `more`: how many TXIDs the copy makes before it meets the replica again; the other history made two.
  const int more = GENERATE(0, 1, 2, 3);
  CAPTURE(more);
  Fixture f;
  Application app(f.path);
  app.fill(40);
  auto daemon = f.daemon();
  sync(*daemon);
  app.update(1);
  sync(*daemon);
  daemon.reset();
  app.close();
  const std::string copy = f.dir / "copy.db", copied_meta = f.dir / ".copy.db-litestream";
  fs::copy_file(f.path, copy);
  fs::copy(f.meta, copied_meta, fs::copy_options::recursive);
  const fs::path level0 = fs::path(f.meta) / "ltx/0", copied_level0 = fs::path(copied_meta) / "ltx/0";
  for (const auto& name : names_in(level0))
    fs::last_write_time(copied_level0 / name, fs::last_write_time(level0 / name));

  app.open();
  daemon = f.daemon();
  for (const int id : {5, 30}) {
    f.clock.pass(std::chrono::seconds(1));
    app.update(id);
    sync(*daemon);
  }
  daemon.reset();
  app.close();

  f.path = copy;
  f.meta = copied_meta;
  Application other(copy);
  daemon = f.daemon();
  for (int n = 0; n < more; ++n) {
    f.clock.pass(std::chrono::seconds(1));
    other.update(20 + n);
    capture(*daemon);
  }
  sync(*daemon);
  f.check_equal();
  other.update(7);
  sync(*daemon);
  f.check_equal();
  f.check_history();
}

TEST_CASE("a local file that vanished before its upload is replaced by a snapshot, not waited for") {
  Fixture f;
  Application app(f.path);
  app.fill(20);
  auto daemon = f.daemon();
  sync(*daemon);
  app.update(3);
  capture(*daemon);
  const TxId lost = daemon->captured();
  app.update(4);
  capture(*daemon);
  fs::remove(f.meta + "/ltx/0/" + ltx_file_name({lost, lost}));

  for (int attempt = 0; attempt < 2; ++attempt) static_cast<void>(daemon->ship({}));
  ship(*daemon);
  CHECK(daemon->replicated() == daemon->captured());
  f.check_equal();
  app.update(5);
  sync(*daemon);
  f.check_equal();
}

TEST_CASE("a replica that was emptied gets a new base") {
  Fixture f;
  Application app(f.path);
  app.fill(20);
  auto daemon = f.daemon();
  sync(*daemon);
  app.update(3);
  sync(*daemon);
  daemon.reset();
  auto emptied = f.replica.remove(f.listed(0), {});
  REQUIRE(emptied);
  fs::remove(f.meta + "/ltx/0/" + ltx_file_name({{1}, {1}}));  // retention has been here
  daemon = f.daemon();
  sync(*daemon);
  f.check_equal();
  app.update(4);
  sync(*daemon);
  f.check_equal();
}

TEST_CASE("what is captured during an upload is uploaded next, and is no hole") {
  Fixture f;
  Application app(f.path);
  app.fill(20);
  auto database = f.daemon();
  REQUIRE(database->capture({}));
  int commits = 0;
  f.store.plan = [&](std::string_view operation, std::string_view) -> std::optional<Fault> {
    if (operation != "put" || commits == 3) return std::nullopt;
    ++commits;
    app.insert();
    REQUIRE(database->capture({}));
    return std::nullopt;
  };
  for (TxId shipped; shipped < TxId{4};) {
    auto done = database->ship({});
    REQUIRE(done);
    REQUIRE(*done > shipped);
    shipped = *done;
  }
  CHECK(commits == 3);
  CHECK(f.listed(0).size() == 4);
  CHECK(f.listed(kSnapshotLevel).empty());
  f.check_equal();
}

TEST_CASE("a snapshot that a hole asked for is not followed by an older one") {
  Fixture f;
  Application app(f.path);
  app.fill(20);
  auto database = f.daemon();
  REQUIRE(database->capture({}));
  REQUIRE(database->ship({}));
  app.insert();
  REQUIRE(database->capture({}));
  // While the snapshot waits for level 0, a file that is still to be uploaded is gone.
  for (const auto& name : names_in(f.meta + "/ltx/0")) {
    if (name.starts_with("0000000000000002")) fs::remove(f.meta + "/ltx/0/" + name);
  }
  std::vector<std::string> snapshots;
  f.store.plan = [&](std::string_view operation, std::string_view key) -> std::optional<Fault> {
    if (operation == "put" && key.find("/9/") != key.npos) {
      if (snapshots.empty()) {
        app.insert();
        REQUIRE(database->capture({}));
      }
      snapshots.emplace_back(key.substr(key.rfind('/') + 1));
    }
    return std::nullopt;
  };
  auto written = database->snapshot({});
  REQUIRE(written);
  REQUIRE(snapshots.size() > 1);
  CHECK(std::is_sorted(snapshots.begin(), snapshots.end()));
  REQUIRE(database->ship({}));
  f.check_equal();
}

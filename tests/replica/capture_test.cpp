// Capturing from real write-ahead logs: what proves continuity, and what must not be taken for a proof.
#include "capture_fixture.hpp"
#include "engine/database.hpp"

using namespace capture_fixture;

namespace {

std::size_t unsummed_frames(const std::string& path) {
  const ByteVector log = read_file(path + "-wal");
  auto header = parse_wal_header(log);
  REQUIRE(header);
  std::size_t found = 0;
  for (std::uint64_t n = 0; wal_offset(n + 1, header->page_size) <= log.size(); ++n) {
    const Bytes salts_and_sum = Bytes(log).subspan(wal_offset(n, header->page_size) + 8, 16);
    found += std::all_of(salts_and_sum.begin(), salts_and_sum.end(), [](std::byte b) { return b == std::byte{0}; });
  }
  return found;
}

}  // namespace

TEST_CASE("frames that SQLite left unsummed are captured, and what follows them") {
  Fixture f;
  Application app(f.path);
  app.run("CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB); " + kFill);
  auto daemon = f.daemon();
  for (int round = 0; round < 4; ++round) {
    rewrite_and_roll_back(app);
    if (round % 2 == 0) capture(daemon->capture);
    app.run("INSERT INTO t(v) VALUES (randomblob(300))");
    app.run("UPDATE t SET v = randomblob(20) WHERE id % 7 = 0");
    capture(daemon->capture);
    f.check_equal();
  }
  CHECK(daemon->capture.counters().anchors == 1);  // the first attach only
  if (leaves_frames_unsummed()) CHECK(unsummed_frames(f.path) > 0);

  // Reading the whole log from its start, as a snapshot does.
  auto pinned = daemon->capture.pin_image();
  INFO((pinned ? "" : pinned.error().message));
  CHECK(pinned);
}

TEST_CASE("the last one to let go of a database leaves no log that has to be recovered") {
  Fixture f;
  Application app(f.path);
  app.run("CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB); " + kFill);
  auto daemon = f.daemon();
  rewrite_and_roll_back(app);
  app.run("UPDATE t SET v = randomblob(20) WHERE id % 7 = 0");
  SECTION("all of it is captured") { capture(daemon->capture); }
  SECTION("its frames were not read") {}
  app.close();  // the daemon has it open: this does not checkpoint
  daemon->capture.detach();
  CHECK_FALSE(fs::exists(f.path + "-wal"));
  daemon = f.daemon();
  f.check_equal();
}

TEST_CASE("letting go of a database does not touch the log of another that has taken its place") {
  Fixture f;
  Application app(f.path);
  app.run("CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB); " + kFill);
  auto daemon = f.daemon();
  rewrite_and_roll_back(app);
  capture(daemon->capture);
  app.close();
  const std::string other = f.dir / "other.db";
  Application next(other);
  next.run("CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB); " + kFill);
  const ByteVector log = read_file(other + "-wal");
  for (const char* end : {"", "-wal", "-shm"}) fs::rename(other + end, f.path + end);
  daemon->capture.detach();
  CHECK(read_file(f.path + "-wal") == log);
  daemon = f.daemon();
  f.check_equal();
}

TEST_CASE("a daemon that comes back to the same log goes on without reading the database") {
  Fixture f;
  Application app(f.path);
  app.run("CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB); " + kFill);
  f.daemon();
  app.run("INSERT INTO t(v) VALUES ('one')");
  {
    auto daemon = f.daemon();
    CHECK(daemon->capture.counters().anchors == 0);
    CHECK(daemon->capture.last() == TxId{2});
  }
  auto daemon = f.daemon();  // nothing new at all
  CHECK(daemon->capture.counters().anchors == 0);
  CHECK(daemon->capture.last() == TxId{2});
  f.check_equal();
}

TEST_CASE("a log that was cut by a crash and went on with the same salts is not taken for the one captured") {
  Fixture f;
  auto app = std::make_unique<Application>(f.path);
  app->run("CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB); " + kFill);
  f.daemon();
  const auto kept = fs::file_size(f.path + "-wal");
  app->run("UPDATE t SET v = 'lost with the power' WHERE id < 20");
  app->run("INSERT INTO t(v) VALUES ('lost too')");
  {
    f.daemon();
  }
  const TxId before = f.daemon()->capture.last();
  app->crash();
  // What had not reached the disk is gone.
  fs::resize_file(f.path + "-wal", kept);
  fs::remove(f.path + "-shm");

  app = std::make_unique<Application>(f.path);
  const bool longer = GENERATE(false, true);
  if (longer) app->run("UPDATE t SET v = 'something else' WHERE id > 20");
  app->run("UPDATE t SET v = 'again' WHERE id < 20");
  app->run("INSERT INTO t(v) VALUES ('lost too')");
  auto daemon = f.daemon();
  CHECK(daemon->capture.counters().anchors == 1);
  CHECK(daemon->capture.last() > before);
  f.check_equal();
}

TEST_CASE("a mark of another file, TXID or byte proves nothing") {
  Fixture f;
  Application app(f.path);
  app.run("CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB); " + kFill);
  f.daemon();
  const std::string path = f.meta + "/wal-mark";
  const ByteVector good = read_file(path);
  REQUIRE(good.size() == engine::kWalMarkSize + 8);  // nothing follows
  const auto parsed = engine::parse_wal_mark(good);
  REQUIRE(parsed);
  CHECK(engine::format_wal_mark(*parsed) == [&] {
    std::array<std::byte, engine::kWalMarkSize> same{};
    std::copy_n(good.begin(), same.size(), same.begin());
    return same;
  }());
  for (std::size_t bit = 0; bit < engine::kWalMarkSize * 8; ++bit) {
    ByteVector bad = good;
    bad[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    if (engine::parse_wal_mark(bad)) FAIL("bit " << bit);
  }
  CHECK_FALSE(engine::parse_wal_mark(Bytes(good).first(engine::kWalMarkSize - 1)));

  engine::WalMark other = *parsed;
  SECTION("of another TXID") { other.txid = other.txid.next(); }
  SECTION("of another file with that TXID") { other.written_at += std::chrono::milliseconds(1); }
  SECTION("of another database file") { ++other.inode; }
  SECTION("of another log") { ++other.position.salts.two; }
  SECTION("of a longer log") { ++other.position.frames; }
  SECTION("of other frames") { ++other.position.checksum->s0; }
  REQUIRE(engine::write_wal_mark(f.meta, other, nullptr));
  CHECK(f.daemon()->capture.counters().anchors == 1);
  f.check_equal();
}

TEST_CASE("what a checkpoint captures counts as captured") {
  struct HandClock final : Clock {
    Steady time = std::chrono::steady_clock::now();
    Timestamp now() const override { return Timestamp(std::chrono::milliseconds(1'700'000'000'000)); }
    Steady steady() const override { return time; }
  };
  // Commits between the look at the log and the moving of the pin: SQL is first run by the checkpointer.
  struct Latecomer final : io::Gate {
    Application* app = nullptr;
    std::optional<Error> before(std::string_view operation, std::string_view /*subject*/) override {
      if (operation == "sql" && app != nullptr) std::exchange(app, nullptr)->run("INSERT INTO t(v) VALUES ('late')");
      return {};
    }
  };
  TempDir dir;
  Application app(dir / "app.db");
  app.run("CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB); " + kFill);
  HandClock clock;
  Latecomer gate;
  const ReplicatorOptions options;
  engine::Database database({.path = dir / "app.db", .checkpoint_interval = std::chrono::seconds(60)}, options,
                            {&clock, &null_logger(), &gate});
  REQUIRE(database.capture({}));
  app.run("INSERT INTO t(v) VALUES ('in time')");
  REQUIRE(database.capture({}));
  REQUIRE(database.captured() == TxId{2});

  clock.time += std::chrono::seconds(61);
  gate.app = &app;
  auto captured = database.capture({});
  REQUIRE(captured);
  REQUIRE(gate.app == nullptr);
  CHECK(captured->files == 1);
  CHECK(database.captured() == TxId{3});
}

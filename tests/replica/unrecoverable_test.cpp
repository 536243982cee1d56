// Logs that SQLite before 3.50 cannot recover: what follows frames it left unsummed is lost in that, and the pages that
// are written then are older than those of the database file.
#include "engine_fixture.hpp"
#include "support/unsummed.hpp"

using namespace engine_fixture;
using namespace std::chrono_literals;

namespace {

struct Case {
  Fixture f;
  Application app{f.path};
  std::unique_ptr<engine::Database> daemon;

  Case() {
    app.fill(200);
    daemon = f.daemon();
    capture(*daemon);
    rewrite_and_roll_back(app);
    app.run("UPDATE t SET v = randomblob(77) WHERE id % 5 = 0");
    capture(*daemon);
  }
  std::uintmax_t log_bytes() const { return fs::file_size(f.path + "-wal"); }
  engine::Database::Captured tend() {
    auto tended = daemon->tend({});
    REQUIRE(tended);
    return *tended;
  }
  // Who is killed leaves the two files, but not what is in memory.
  ByteVector after_all_were_killed() const {
    const std::string copy = f.path + ".copy";
    fs::copy_file(f.path, copy, fs::copy_options::overwrite_existing);
    fs::copy_file(f.path + "-wal", copy + "-wal", fs::copy_options::overwrite_existing);
    ByteVector found = serialized(copy);
    for (const char* end : {"", "-wal", "-shm"}) fs::remove(copy + end);
    return found;
  }
};

}  // namespace

TEST_CASE("a log that could not be recovered is truncated once its writers are quiet") {
  Case c;
  if (!leaves_frames_unsummed()) return;
  const auto anchors = c.daemon->status().reanchors;
  const ByteVector expected = serialized(c.f.path);
  CHECK(c.after_all_were_killed() != expected);  // else this tests nothing

  auto tended = c.tend();  // begins to look
  REQUIRE(tended.truncate_in);
  CHECK(*tended.truncate_in == 1s);
  c.f.clock.pass(600ms);
  c.app.run("UPDATE t SET v = 'meanwhile' WHERE id = 3");
  CHECK(c.tend().truncate_in == 1s);
  CHECK(c.log_bytes() > 0);

  c.f.clock.pass(1s);
  CHECK_FALSE(c.tend().truncate_in);
  CHECK(c.log_bytes() == 0);
  CHECK(c.after_all_were_killed() == serialized(c.f.path));

  c.app.run("UPDATE t SET v = 'afterwards' WHERE id = 4");
  sync(*c.daemon);
  CHECK(c.daemon->status().reanchors == anchors);
  c.f.check_equal();
}

TEST_CASE("a log that could not be recovered is not truncated beside those who use it") {
  Case c;
  if (!leaves_frames_unsummed()) return;
  c.tend();
  c.f.clock.pass(1s);
  Application other(c.f.path);
  SECTION("a writer") {
    other.run("BEGIN IMMEDIATE");
    CHECK(c.tend().truncate_in == 10s);
    CHECK(c.log_bytes() > 0);
    other.run("INSERT INTO t(v) VALUES ('it got the lock before'); COMMIT");
  }
  SECTION("a reader") {
    other.run("BEGIN; SELECT count(*) FROM t");
    c.app.run("UPDATE t SET v = 'behind the reader' WHERE id = 3");
    c.tend();
    c.f.clock.pass(1s);
    CHECK(c.tend().truncate_in == 10s);
    CHECK(c.log_bytes() > 0);
    other.run("COMMIT");
  }
  c.tend();
  c.f.clock.pass(10s);
  CHECK_FALSE(c.tend().truncate_in);
  CHECK(c.after_all_were_killed() == serialized(c.f.path));
}

TEST_CASE("a log that can be recovered is left alone") {
  Fixture f;
  Application app(f.path);
  app.fill(20);
  auto daemon = f.daemon();
  capture(*daemon);
  app.update(3);
  capture(*daemon);
  f.clock.pass(5s);
  const auto tended = daemon->tend({});
  REQUIRE(tended);
  CHECK_FALSE(tended->truncate_in);
  CHECK(fs::file_size(f.path + "-wal") > 0);
}

TEST_CASE("a log that could not be recovered does not outlast the closing of its database") {
  Case c;
  if (!leaves_frames_unsummed()) return;
  const ByteVector expected = serialized(c.f.path);
  SECTION("beside an application that closes at the same moment, so that nobody is the last") {
    c.daemon->close();
    CHECK(c.log_bytes() == 0);
    CHECK(c.after_all_were_killed() == expected);
  }
  SECTION("by nobody else") {
    c.app.close();  // the daemon has it open: this does not checkpoint
    c.daemon->close();
    CHECK_FALSE(fs::exists(c.f.path + "-wal"));
    CHECK(serialized(c.f.path) == expected);
  }
  SECTION("beside one that writes, which goes on") {
    Application other(c.f.path);
    other.run("BEGIN IMMEDIATE; INSERT INTO t(v) VALUES ('under way')");
    c.daemon->close();
    CHECK(c.log_bytes() > 0);
    other.run("COMMIT");
    sync(*c.daemon);
    c.f.check_equal();
  }
}

// A replica is compacted, and old files of it go, while its database rests and nobody opens it.
#include <fstream>

#include "engine/maintain.hpp"
#include "rest_fixture.hpp"
#include "support/descriptors.hpp"

using namespace rest_fixture;

namespace {

bool maintained(engine::Database& database) {
  auto done = database.maintain_at_rest(0, {});
  INFO((done ? "" : done.error().message));
  REQUIRE(done);
  return *done;
}

// At rest with level 1 made and one local file left, as after some minutes without a commit.
void fall_asleep_trimmed(Scene& s) {
  s.start();
  s.settle();
  for (int n = 0; n < 3; ++n) {
    s.app.insert();
    s.settle();
  }
  maintain(*s.database);
  s.f.clock.pass(6min);
  s.app.insert();
  s.settle();
  maintain(*s.database);
  s.f.clock.pass(6min);
  maintain(*s.database);
  s.settle();
  s.rest();
  s.wait_for_level_zero();
}

}  // namespace

TEST_CASE("levels are made and old files go while the database rests") {
  Scene s;
  s.f.options.levels = {30s, 5min, 1h};
  fall_asleep_trimmed(s);
  const bool restarted = GENERATE(false, true);
  if (restarted) REQUIRE(s.stays_after_restart());
  CHECK(s.f.listed(3).empty());
  const auto due = restarted ? s.database->destination(0).believed_maintenance() : s.database->next_maintenance();
  REQUIRE(due);
  CHECK(*due <= s.f.clock.now() + 1h);
  const int descriptors = support::descriptors(s.f.dir.path());  // the application's
  s.f.clock.pass(61min);
  CHECK(maintained(*s.database));
  CHECK(s.database->resting());
  CHECK_FALSE(s.database->is_open());
  CHECK(support::descriptors(s.f.dir.path()) == descriptors);
  CHECK(s.mark().rest);
  REQUIRE(s.f.listed(3).size() == 1);
  CHECK(s.f.listed(3).front().range.max == s.database->captured());
  CHECK(s.database->durable() == s.database->captured());

  const auto next = s.database->next_maintenance();
  REQUIRE(next);
  CHECK(*next > s.f.clock.now());
  REQUIRE(s.stays_after_restart());
  CHECK(s.database->destination(0).believed_maintenance() == next);
  s.f.check_equal();
  s.app.insert();
  s.check_in_step();
  CHECK(s.database->status().reanchors == 0);
}

TEST_CASE("a replica that was only believed to have everything is listed again before the next upload") {
  Scene s;
  s.f.options.levels = {30s, 5min, 1h};
  fall_asleep_trimmed(s);
  REQUIRE(s.stays_after_restart());
  s.f.clock.pass(61min);
  CHECK(maintained(*s.database));
  for (Level level = 0; level <= kSnapshotLevel; ++level) REQUIRE(s.f.replica.remove(s.f.listed(level), {}));
  SECTION("of nothing") { ship(*s.database); }
  SECTION("of a commit") { s.app.insert(); }
  s.check_in_step();
}

TEST_CASE("maintenance that takes the database, or is not proved to be due, opens it") {
  Scene s;
  fall_asleep_trimmed(s);
  const auto opens = [&] {
    const bool done = maintained(*s.database);
    REQUIRE(s.database->wake({}));
    maintain(*s.database);
    s.check_in_step();
    s.f.check_history();
    return !done;
  };
  SECTION("a snapshot") {
    s.f.clock.pass(25h);
    CHECK(s.f.listed(kSnapshotLevel).back().range.max < s.database->captured());
    CHECK(opens());
    CHECK(s.f.listed(kSnapshotLevel).back().range.max == s.database->captured());
  }
  SECTION("something was committed") {
    s.app.insert();
    CHECK(opens());
  }
  SECTION("a local file too many") {
    std::ofstream(s.f.meta + "/ltx/0/0000000000000001-0000000000000001.ltx") << "old";
    CHECK_FALSE(maintained(*s.database));
  }
  SECTION("it is open") {
    REQUIRE(s.database->wake({}));
    CHECK(opens());
  }
  SECTION("a replica that was wiped is found out, and the next start knows") {
    REQUIRE(s.stays_after_restart());
    for (Level level = 0; level <= kSnapshotLevel; ++level) REQUIRE(s.f.replica.remove(s.f.listed(level), {}));
    s.f.clock.pass(61min);
    CHECK_FALSE(maintained(*s.database));
    CHECK_FALSE(s.database->durable());
    CHECK_FALSE(s.mark().rest);
    CHECK_FALSE(s.stays_after_restart());
    s.check_in_step();
  }
  SECTION("a stranger's file is looked at") {
    REQUIRE(s.stays_after_restart());
    const ByteVector bytes(200);
    MemorySource body(bytes);
    const TxId strange{s.database->captured().value + 1};
    REQUIRE(s.f.replica.write(0, {strange, strange}, s.f.clock.now(), body, {}));
    CHECK_FALSE(maintained(*s.database));
  }
}

TEST_CASE("a hole in the replica is filled by an open database") {
  Scene s;
  s.f.options.levels = {30s, 1h};
  fall_asleep_trimmed(s);
  REQUIRE(s.database->wake({}));
  s.f.clock.pass(std::chrono::duration_cast<std::chrono::milliseconds>(engine::aligned(s.f.clock.now(), 1h) + 61min -
                                                                       s.f.clock.now()));
  maintain(*s.database);
  const TxId below = s.f.listed(2).back().range.max;
  for (int n = 0; n < 2; ++n) {
    s.app.insert();
    s.settle();
  }
  s.f.clock.pass(6min);
  maintain(*s.database);
  s.settle();
  s.rest();
  s.wait_for_level_zero();
  CHECK(s.f.listed(2).back().range.max == below);
  REQUIRE(s.stays_after_restart());
  s.f.clock.pass(1h);
  SECTION("which has none") {
    CHECK(maintained(*s.database));
    CHECK(s.f.listed(2).back().range.max == s.database->captured());
  }
  SECTION("which has one") {
    const auto level1 = s.f.listed(1);
    REQUIRE(level1.back().range.min > below);
    const auto last = s.f.listed(0).back();
    auto body = io::FileSource::open(s.f.meta + "/ltx/0/" + last.name());
    REQUIRE(body);
    REQUIRE(s.f.replica.remove({level1.back()}, {}));
    REQUIRE(s.f.replica.write(1, last.range, last.created_at, *body, {}));
    CHECK_FALSE(maintained(*s.database));
    REQUIRE(s.database->wake({}));
    maintain(*s.database);
  }
  s.check_in_step();
}

TEST_CASE("another daemon that has the database meanwhile maintains it") {
  Scene s;
  fall_asleep_trimmed(s);
  auto lock = io::File::open(s.f.meta + "/lock", io::File::Mode::read_write);
  REQUIRE(lock);
  REQUIRE(*lock->try_lock_exclusive());
  auto done = s.database->maintain_at_rest(0, {});
  REQUIRE_FALSE(done);
  CHECK(done.error().code == Errc::busy);
}

TEST_CASE("a commit while a replica is maintained at rest opens the database, and both go on") {
  Scene s;
  s.f.options.levels = {30s, 5min, 1h};
  fall_asleep_trimmed(s);
  s.f.clock.pass(61min);
  bool written = false;
  s.f.store.plan = [&](std::string_view what, std::string_view) -> std::optional<Fault> {
    if (what != "put" || std::exchange(written, true)) return std::nullopt;
    s.app.insert();
    capture(*s.database);
    CHECK_FALSE(s.database->resting());
    return std::nullopt;
  };
  CHECK(maintained(*s.database));
  CHECK(written);
  CHECK(s.f.listed(3).size() == 1);
  s.check_in_step();
}

TEST_CASE("whatever fails while a replica is maintained at rest, the next attempt makes up for it") {
  using support::FailLater, support::FailNth;
  const bool restarted = GENERATE(false, true);
  int steps = 0;
  for (std::uint64_t nth = 1;; ++nth) {
    FailLater gate;
    Scene s;
    s.gate = &gate;
    s.f.options.levels = {30s, 5min, 1h};
    fall_asleep_trimmed(s);
    if (restarted) REQUIRE(s.stays_after_restart());
    s.f.clock.pass(61min);
    gate.failing.emplace(nth);
    auto done = s.database->maintain_at_rest(0, {});
    INFO("step " << nth << ": " << gate.failing->failed());
    const bool fired = gate.failing->fired();
    gate.failing.reset();
    if (!done) CHECK(maintained(*s.database));
    CHECK(s.database->resting());
    CHECK(s.f.listed(3).size() == 1);
    CHECK(fs::is_empty(s.f.meta + "/scratch"));
    s.app.insert();
    s.check_in_step();
    s.f.check_history();
    if (!fired) break;
    ++steps;
  }
  CHECK(steps > 8);
}

TEST_CASE("whatever the store fails while a replica is maintained at rest, the next attempt makes up for it") {
  const bool restarted = GENERATE(false, true);
  int steps = 0;
  for (int nth = 1;; ++nth) {
    Scene s;
    s.f.options.levels = {30s, 5min, 1h};
    fall_asleep_trimmed(s);
    if (restarted) REQUIRE(s.stays_after_restart());
    s.f.clock.pass(61min);
    int calls = 0;
    s.f.store.plan = [&](std::string_view, std::string_view) { return ++calls == nth ? unavailable() : std::nullopt; };
    auto done = s.database->maintain_at_rest(0, {});
    s.f.store.plan = {};
    INFO("request " << nth);
    if (!done) CHECK(maintained(*s.database));
    CHECK(s.database->resting());
    CHECK(s.f.listed(3).size() == 1);
    s.app.insert();
    s.check_in_step();
    s.f.check_history();
    if (calls < nth) break;
    ++steps;
  }
  CHECK(steps > 1);
}

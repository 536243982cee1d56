// A follower that dies or fails at any step: what is on the disk is one position whole, and following goes on from it.
#include "follow_fixture.hpp"
#include "restore/rollback_journal.hpp"
#include "support/fail_nth.hpp"

using namespace follow_fixture;
using support::FailNth;

namespace {

// From the transaction that made the database to one that grew, shrank, and grew it, and on.
struct Lives : Following {
  Lives() {
    primary.add(30);
    upload_new();
  }
  void go_on(bool shrinks) {
    primary.add(4);
    if (shrinks) {
      primary.drop(30);
      primary.vacuum();
    } else {
      primary.add(20);
    }
    upload_new();
  }
  Result<FollowStep> run(io::Gate* gate) {
    auto follower = open(gate);
    if (!follower) return pass(follower);
    return follower->apply_new({});
  }
  std::string next_output(std::uint64_t n) const { return dir / ("out" + std::to_string(n) + ".db"); }
};

// A follower at `before` while the replica is at `after`, and copies of what it has, one for each time it dies.
struct Change : Lives {
  explicit Change(bool shrinks) {
    output = origin;
    follow();
    go_on(shrinks);
    after = primary.last();
  }
  void take_copy(std::uint64_t n) {
    output = next_output(n);
    for (const char* suffix : {"", "-txid"}) fs::copy_file(origin + suffix, output + suffix);
  }
  std::string origin = dir / "origin.db";
  std::uint64_t before = primary.last(), after = 0;
};

}  // namespace

TEST_CASE("after a crash at any step readers see one position whole, and following goes on") {
  const bool shrinks = GENERATE(false, true);
  const bool reader_first = GENERATE(false, true);
  Change fixture(shrinks);
  const auto before = fixture.before, after = fixture.after;

  std::set<std::uint64_t> seen;
  std::uint64_t rolled_back = 0;
  for (std::uint64_t n = 1;; ++n) {
    fixture.take_copy(n);
    FailNth gate(n, FailNth::Then::stay_broken);
    const auto step = fixture.run(&gate);
    INFO("step " << n << ": " << gate.failed());
    if (!gate.fired()) {
      REQUIRE(step);
      break;
    }
    const bool hot = *restore::has_journal(fixture.output, nullptr);
    if (hot) ++rolled_back;
    if (reader_first) {
      CHECK(sqlite_opinion(fixture.output) == "ok");
      const auto state = fixture.state();
      CHECK((state == before || state == after));
      seen.insert(state);
      if (hot) CHECK(state == before);
    }
    auto follower = fixture.open();
    REQUIRE(error_of(follower) == "no error");
    // The position is the database's, not only what was written down last.
    CHECK(fixture.state() == follower->position().value);
    CHECK((follower->position() == TxId{before} || follower->position() == TxId{after}));
    const auto again = apply(*follower);
    CHECK(again.reseed == Reseed::none);
    CHECK(follower->position() == TxId{after});
    fixture.check_state(after);
    CHECK(position_text(fixture.output) == TxId{after}.text() + "\n");
    CHECK(names_in(fixture.dir.path()).size() == 5);
    for (const char* suffix : {"", "-txid"}) fs::remove(fixture.output + suffix);
  }
  CHECK(rolled_back > 10);
  if (reader_first) CHECK(seen == std::set<std::uint64_t>{before, after});
}

TEST_CASE("after a failure at any step the same follower goes on") {
  const bool shrinks = GENERATE(false, true);
  Change fixture(shrinks);
  const auto before = fixture.before, after = fixture.after;
  for (std::uint64_t n = 1;; ++n) {
    fixture.take_copy(n);
    FailNth gate(n);
    auto follower = fixture.open(&gate);
    if (!follower) continue;
    const auto step = follower->apply_new({});
    INFO("step " << n << ": " << gate.failed());
    if (!gate.fired()) break;
    // It has settled by itself: readers that may not write could not.
    CHECK_FALSE(*restore::has_journal(fixture.output, nullptr));
    CHECK(fixture.state() == follower->position().value);
    if (!step) apply(*follower);
    CHECK(follower->position() == TxId{after});
    fixture.check_state(after);
    CHECK(position_text(fixture.output) == TxId{after}.text() + "\n");
  }
  CHECK(before < after);
}

TEST_CASE("a first restore that dies at any step can be begun again") {
  Lives fixture;
  for (std::uint64_t n = 1;; ++n) {
    fixture.output = fixture.next_output(n);
    FailNth gate(n, FailNth::Then::stay_broken);
    static_cast<void>(fixture.open(&gate));
    INFO("step " << n << ": " << gate.failed());
    if (!gate.fired()) break;
    auto follower = fixture.open();
    REQUIRE(error_of(follower) == "no error");
    CHECK(follower->position() == TxId{fixture.primary.last()});
    fixture.check_state(fixture.primary.last());
    CHECK(apply(*follower).reseed == Reseed::none);
  }
}

TEST_CASE("a database behind a symbolic link has its journal where SQLite looks for it") {
  Lives fixture;
  const auto before = fixture.primary.last();
  const std::string real = fixture.dir / "real/out.db";
  const std::string link = fixture.output;
  fixture.output = real;
  fixture.follow();
  fs::create_symlink(real, link);
  fixture.output = link;
  fixture.go_on(true);
  FailNth count(0);
  {
    fs::copy(fixture.dir / "real", fixture.dir / "kept");
    REQUIRE(fixture.run(&count));
    fs::remove_all(fixture.dir / "real");
    fs::rename(fixture.dir / "kept", fixture.dir / "real");
  }
  // Behind it: the journal goes, the directory, the position and the directory again.
  FailNth gate(count.calls() - 4, FailNth::Then::stay_broken);
  CHECK_FALSE(fixture.run(&gate));
  CHECK(gate.failed() == "sync " + real);
  CHECK(*restore::has_journal(real, nullptr));
  CHECK(sqlite_opinion(link) == "ok");
  CHECK(fixture.state() == before);
  auto follower = fixture.follow();
  apply(follower);
  fixture.check_state(fixture.primary.last());
  CHECK(names_in(fixture.dir / "real") == std::vector<std::string>{"out.db", "out.db-txid"});
}

TEST_CASE("a torn next position is none") {
  Lives fixture;
  fixture.follow();
  write_text(fixture.output + "-txid.tmp", "00000");
  auto follower = fixture.follow();
  CHECK(follower.position() == TxId{fixture.primary.last()});
  CHECK_FALSE(fs::exists(fixture.output + "-txid.tmp"));
}

TEST_CASE("SQLite rolls back the journals we write") {
  const std::uint32_t page_size = GENERATE(512U, 1024U, 65536U);
  Following fixture(page_size);
  fixture.primary.add(40);
  fixture.primary.sql.run("VACUUM");
  const auto bytes = read_file(fixture.primary.path);
  const auto pages = static_cast<PageNo>(bytes.size() / page_size);
  REQUIRE(pages >= 3);
  const std::string copy = fixture.dir / "copy.db";
  write_file(copy, bytes);
  auto journal = restore::RollbackJournal::create(copy, page_size, pages, *io::stat_path(copy), nullptr);
  REQUIRE(journal);
  for (PageNo page = pages; page > 0; --page)
    REQUIRE(journal->add(page, Bytes(bytes).subspan(std::size_t{page - 1} * page_size, page_size)));
  REQUIRE(journal->publish());
  CHECK(*restore::has_journal(copy, nullptr));
  auto spoiled = bytes;
  std::fill(spoiled.begin() + 100, spoiled.end(), std::byte{0xee});
  spoiled.resize(GENERATE(std::size_t{1}, std::size_t{0}) == 1 ? bytes.size() - page_size : bytes.size() + page_size);
  write_file(copy, spoiled);
  CHECK(sqlite_opinion(copy) == "ok");
  CHECK(read_file(copy) == bytes);
  CHECK_FALSE(fs::exists(restore::journal_of(copy)));
}

// Following a replica: every position is shown whole, and readers are neither harmed nor deceived.
#include <fcntl.h>

#include <atomic>
#include <thread>

#include "follow_fixture.hpp"
#include "io/file.hpp"

using namespace follow_fixture;

namespace {

// Of other processes: SQLite lets those of its own process in with the one that reads already.
bool new_readers_wait(const io::File& database) {
  struct flock lock{};  // SQLite's PENDING byte, as a reader that begins takes it
  lock.l_type = F_RDLCK;
  lock.l_start = 0x40000000;
  lock.l_len = 1;
  REQUIRE(::fcntl(database.descriptor(), F_OFD_GETLK, &lock) == 0);
  return lock.l_type != F_UNLCK;
}

}  // namespace

TEST_CASE("a follower restores, then shows every transaction as it comes") {
  const std::uint32_t page_size = GENERATE(512U, 4096U, 65536U);
  Following fixture(page_size);
  fixture.upload_new();
  auto follower = fixture.follow();
  CHECK(follower.restored());
  CHECK(follower.position() == TxId{1});
  fixture.check_state(1);
  CHECK(position_text(fixture.output) == "0000000000000001\n");

  fixture.primary.live();
  while (fixture.uploaded < fixture.primary.last()) {
    fixture.upload_next();
    const auto step = apply(follower);
    CHECK(step.from == TxId{fixture.uploaded - 1});
    CHECK(step.to == TxId{fixture.uploaded});
    CHECK(step.reseed == Reseed::none);
    fixture.check_state(fixture.uploaded);
    CHECK(position_text(fixture.output) == TxId{fixture.uploaded}.text() + "\n");
    const auto bytes = read_file(fixture.output);
    CHECK((bytes[18] == std::byte{1} && bytes[19] == std::byte{1}));
  }
  fixture.check_nothing_left();
}

TEST_CASE("many transactions become one change, or as many as batches need") {
  Following fixture;
  fixture.upload_new();
  const bool one = GENERATE(true, false);
  auto options = fixture.follow_options();
  if (!one) options.batch_bytes = 1;
  auto follower = Follower::open(fixture.replica, options, {});
  REQUIRE(follower);
  fixture.primary.live();
  fixture.upload_new();
  std::uint64_t steps = 0;
  for (bool more = true; more; ++steps) {
    more = apply(*follower).more;
    fixture.check_state(follower->position().value);
  }
  CHECK(steps == (one ? 1 : fixture.primary.last() - 1));
  CHECK(follower->position() == TxId{fixture.primary.last()});
}

TEST_CASE("the file of a database in WAL mode becomes one that readers open without making files") {
  Following fixture;
  REQUIRE(fixture.primary.sql.ask("PRAGMA journal_mode=WAL") == "wal");
  fixture.primary.remember();
  fixture.upload_new();
  auto follower = fixture.follow();
  Sql reader(fixture.output);
  CHECK(reader.ask("SELECT n FROM total") == "0");
  CHECK(reader.ask("PRAGMA journal_mode") == "delete");
  fixture.check_nothing_left();
}

TEST_CASE("a reader's cached pages and prepared schema give way to what is applied") {
  Following fixture;
  fixture.primary.add(3);
  fixture.upload_new();
  auto follower = fixture.follow();
  Sql reader(fixture.output);
  CHECK(reader.ask("SELECT n FROM total") == "3");
  // The transaction changes no page but that of `total`: in WAL mode page 1 need not be among those of a transaction.
  fixture.primary.commit("UPDATE total SET n = 4");
  fixture.upload_new();
  apply(follower);
  CHECK(reader.ask("SELECT n FROM total") == "4");
  fixture.primary.commit("ALTER TABLE total ADD COLUMN more DEFAULT 'new'");
  fixture.upload_new();
  apply(follower);
  CHECK(reader.ask("SELECT more FROM total") == "new");
}

TEST_CASE("a reader in a transaction is waited for; those that come after it wait") {
  Following fixture;
  fixture.primary.add(3);
  fixture.upload_new();
  auto follower = fixture.follow();
  fixture.primary.add(4);
  fixture.upload_new();

  // Closing it would drop the locks that SQLite holds in this process.
  auto file = io::File::open(fixture.output, io::File::Mode::read);
  REQUIRE(file);
  Sql reader(fixture.output);
  REQUIRE(reader.run("BEGIN") == SQLITE_OK);
  REQUIRE(reader.ask("SELECT n FROM total") == "3");
  SECTION("for its patience only") {
    int waits = 0;
    fixture.on_wait = [&] {
      ++waits;
      CHECK(reader.ask("SELECT n FROM total") == "3");
      CHECK(new_readers_wait(*file));
    };
    const auto step = follower.apply_new({});
    CHECK(error_of(step) == "busy: cannot write to " + fixture.output + ": readers do not end");
    CHECK(waits == 50);
    for (const int more : {100, 200, 400, 800, 800}) {
      waits = 0;
      CHECK(error_of(follower.apply_new({})).starts_with("busy: "));
      CHECK(waits == more);
    }
    CHECK(follower.position() == fixture.at(2));
    CHECK(Sql(fixture.output).ask("SELECT n FROM total") == "3");
    REQUIRE(reader.run("COMMIT") == SQLITE_OK);
    fixture.on_wait = {};
    CHECK(apply(follower).to == fixture.at(3));
  }
  SECTION("until it ends") {
    fixture.on_wait = [&] { static_cast<void>(reader.run("COMMIT")); };
    CHECK(apply(follower).to == fixture.at(3));
    CHECK(reader.ask("SELECT n FROM total") == "7");
  }
  fixture.check_state(3);
  fixture.check_nothing_left();
}

TEST_CASE("readers beside an application see each position whole") {
  Following fixture;
  fixture.upload_new();
  auto options = fixture.follow_options();
  options.wait = {};
  options.reader_patience = std::chrono::seconds(30);
  auto follower = Follower::open(fixture.replica, options, {});
  REQUIRE(follower);
  std::atomic<bool> over = false;
  std::atomic<int> looks = 0;
  std::atomic<bool> failed = false;
  std::string wrong;  // read after the thread's end
  std::jthread reader([&] {
    Sql sql(fixture.output, 30'000);
    std::int64_t last = -1;
    while (!over) {
      const auto seen = sql.ask(
          "SELECT n * (n = (SELECT count(*) FROM entries)) - (n <> (SELECT count(*) FROM "
          "entries)) FROM total");
      const auto sound = sql.ask("PRAGMA integrity_check");
      char* end = nullptr;
      const auto n = std::strtoll(seen.c_str(), &end, 10);
      if (*end != 0 || n < last || sound != "ok") {
        wrong = seen + " after " + std::to_string(last) + ", " + sound;
        failed = true;
        return;
      }
      last = n;
      ++looks;
    }
  });
  for (int i = 0; i < 150; ++i) {
    fixture.primary.add(1 + i % 7);
    fixture.upload_new();
    apply(*follower);
    const int before = looks;
    // Each tenth is seen before the next comes.
    while (i % 10 == 0 && looks == before && !failed) std::this_thread::yield();
  }
  over = true;
  reader.join();
  CHECK(wrong.empty());
  INFO(wrong);
  CHECK(looks >= 15);
  fixture.check_state(fixture.primary.last());
}

TEST_CASE("following goes on from where it was") {
  Following fixture;
  fixture.upload_new();
  fixture.follow();
  fixture.primary.live();
  fixture.upload_new();
  auto follower = fixture.follow();
  CHECK_FALSE(follower.restored());
  CHECK(follower.position() == TxId{1});
  const auto step = apply(follower);
  CHECK(step.reseed == Reseed::none);
  fixture.check_state(fixture.primary.last());
}

TEST_CASE("a database without a position is refused in the peer's words") {
  Following fixture;
  fixture.upload_new();
  fixture.follow();
  const std::string text =
      "precondition_failed: cannot resume follow mode: database exists but no -txid file found; delete the database to "
      "re-restore: " +
      fixture.output;
  SECTION("missing") { fs::remove(fixture.output + "-txid"); }
  SECTION("zero, as the peer takes it") { write_text(fixture.output + "-txid", "0000000000000000\n"); }
  CHECK(error_of(fixture.open()) == text);
}

TEST_CASE("a position nobody wrote is told") {
  Following fixture;
  fixture.upload_new();
  fixture.follow();
  write_text(fixture.output + "-txid", "zz\n");
  CHECK(error_of(fixture.open()) == "corrupt: read " + fixture.output + "-txid: invalid txid format");
}

TEST_CASE("the position of a database that is gone means nothing") {
  Following fixture;
  fixture.upload_new();
  write_text(fixture.output + "-txid", "00000000000000ff\n");
  auto follower = fixture.follow();
  CHECK(follower.position() == TxId{1});
  CHECK(position_text(fixture.output) == "0000000000000001\n");
}

TEST_CASE("a restore that fails leaves no position, and one beside a stale file is refused") {
  Following fixture;
  CHECK(error_of(fixture.open()) == "not_found: no matching backup files available");
  fixture.upload_new();
  write_text(fixture.output + "-wal", "old");
  CHECK(contains(error_of(fixture.open()), "SQLite sidecar path already exists: " + fixture.output + "-wal"));
  fs::remove(fixture.output + "-wal");
  fixture.fault = [](std::string_view operation, std::string_view) -> std::optional<Fault> {
    if (operation == "get") return Fault{{Errc::unavailable, "the store is away"}};
    return {};
  };
  CHECK(contains(error_of(fixture.open()), "the store is away"));
  fixture.check_nothing_left();
  CHECK_FALSE(fs::exists(fixture.output + "-txid"));
}

TEST_CASE("one follower a database") {
  Following fixture;
  fixture.upload_new();
  auto follower = fixture.follow();
  CHECK(error_of(fixture.open()) == "busy: another process follows into " + fixture.output);
}

TEST_CASE("a database that is replaced or removed under a follower ends it") {
  Following fixture;
  fixture.upload_new();
  auto follower = fixture.follow();
  fixture.primary.add(1);
  fixture.upload_new();
  fs::rename(fixture.output, fixture.output + ".old");
  const bool replaced = GENERATE(true, false);
  if (replaced) fs::copy_file(fixture.output + ".old", fixture.output);
  CHECK(error_of(follower.apply_new({})) ==
        "precondition_failed: somebody removed or replaced " + fixture.output + " while it was followed");
}

TEST_CASE("what others write is noticed and undone") {
  Following fixture;
  fixture.primary.add(9);
  fixture.upload_new();
  auto follower = fixture.follow();
  const bool wal = GENERATE(false, true);
  const bool restart = GENERATE(false, true);
  {
    Sql writer(fixture.output);
    if (wal) REQUIRE(writer.ask("PRAGMA journal_mode=WAL") == "wal");
    REQUIRE(writer.run("DELETE FROM entries") == SQLITE_OK);
    if (wal && !restart) fs::copy_file(fixture.output + "-wal", fixture.dir / "wal");
  }
  // As a writer that was killed leaves it.
  if (wal && !restart) fs::rename(fixture.dir / "wal", fixture.output + "-wal");
  fixture.primary.add(1);
  fixture.upload_new();
  if (restart) {
    {
      const auto ended = std::move(follower);
    }
    follower = fixture.follow();
  }
  auto step = apply(follower);
  if (step.more) step = apply(follower);
  CHECK(step.reseed == Reseed::changed);
  CHECK(step.to == fixture.at(3));
  fixture.check_state(3);
  fixture.check_nothing_left();
  fixture.primary.add(1);
  fixture.upload_new();
  CHECK(apply(follower).reseed == Reseed::none);
  fixture.check_state(4);
}

TEST_CASE("another page size cannot be followed in place, and says so") {
  Following fixture;
  fixture.primary.add(9);
  fixture.upload_new();
  auto follower = fixture.follow();
  REQUIRE(fixture.primary.sql.run("PRAGMA page_size=1024") == SQLITE_OK);
  fixture.primary.page_size = 1024;
  fixture.primary.vacuum();
  const auto [made, pages] = fixture.primary.file(3, 3);
  fixture.put(0, made, pages);
  const auto step = follower.apply_new({});
  CHECK(
      contains(error_of(step), "precondition_failed: level 0 file " + ltx_file_name(made.range) +
                                   ": the page size has changed from 512 to 1024, which cannot be followed in place"));
  CHECK(step.error().hint == "delete the database and its -txid file to restore anew");
  fixture.check_state(2);
}

TEST_CASE("a stopped call changes nothing") {
  Following fixture;
  fixture.upload_new();
  auto follower = fixture.follow();
  fixture.primary.add(9);
  fixture.upload_new();
  std::stop_source stop;
  stop.request_stop();
  CHECK(error_of(follower.apply_new({.stop = stop.get_token()})).starts_with("cancelled: "));
  fixture.check_state(1);
  CHECK(apply(follower).to == fixture.at(2));
}

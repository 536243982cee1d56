// What the beginning of a database costs, and what it puts off.
#include <unistd.h>

#include <fstream>

#include "engine_fixture.hpp"
#include "store/page_hash_map.hpp"

using namespace engine_fixture;

namespace {

struct Counter final : io::Gate {
  std::vector<std::pair<std::string, std::string>> asked;  // operation, subject

  std::optional<Error> before(std::string_view operation, std::string_view subject) override {
    asked.emplace_back(operation, subject);
    return {};
  }
  std::vector<std::string> subjects(std::string_view operation) const {
    std::vector<std::string> found;
    for (const auto& [what, subject] : asked)
      if (what == operation) found.push_back(subject);
    return found;
  }
};

struct Extent {
  std::uint32_t pages = 0, commit = 0;
};

Extent extent_of(const std::string& path) {
  const ByteVector bytes = read_file(path);
  MemorySource body(bytes);
  auto decoder = LtxDecoder::begin(body);
  REQUIRE(decoder);
  for (std::uint32_t pages = 0;; ++pages) {
    auto page = decoder->next();
    REQUIRE(page);
    if (!*page) return {pages, decoder->header().commit};
  }
}

TxId hashed_up_to(const std::string& meta) {
  auto map = store::PageHashMap::open(meta);
  REQUIRE(map);
  return *map ? (*map)->txid() : TxId{};
}

std::string local(const Fixture& f, std::uint64_t txid) {
  return f.meta + "/ltx/0/" + ltx_file_name({TxId{txid}, TxId{txid}});
}

}  // namespace

TEST_CASE("a new database is opened once, and nothing that was just made is listed") {
  Fixture f;
  Application app(f.path);
  app.fill(20);
  Counter gate;
  auto daemon = f.daemon(&gate);
  capture(*daemon);
  const auto opened = gate.subjects("open");
  CHECK(std::count(opened.begin(), opened.end(), f.path) == 1);
  CHECK(gate.subjects("list") == std::vector<std::string>{f.meta + "/scratch", f.meta});
  CHECK(gate.subjects("sync").size() == 1);  // the file
  CHECK(gate.subjects("sync_dir").empty());  // where it is, and where each of three directories is: with the next file
}

TEST_CASE("the meta directory is open to whom the database's directory is open to") {
  Fixture f;
  fs::permissions(f.dir.path(), fs::perms(0750));
  Application app(f.path);
  app.fill(20);
  auto daemon = f.daemon();
  capture(*daemon);
  for (const char* below : {"", "/ltx", "/ltx/0"}) CHECK(fs::status(f.meta + below).permissions() == fs::perms(0750));
}

TEST_CASE("a database in another journal mode is switched before it is pinned") {
  Fixture f;
  {
    Application app(f.path);
    app.fill(20);
    app.run("PRAGMA journal_mode = DELETE");
  }
  auto daemon = f.daemon();
  sync(*daemon);
  CHECK(read_file(f.path)[19] == std::byte{2});
  Application app(f.path);
  app.insert();
  sync(*daemon);
  f.check_equal();
}

TEST_CASE("the hashes of a small new database are made when they are needed") {
  Fixture f;
  Application app(f.path);
  app.fill(20);
  auto daemon = f.daemon();
  sync(*daemon);
  app.update(1);
  sync(*daemon);
  CHECK_FALSE(fs::exists(f.meta + "/page-hashes"));

  // Killed; the mark is lost, and so is the proof that nothing was missed.
  const std::string before = f.meta + ".before";
  fs::copy(f.meta, before, fs::copy_options::recursive);
  daemon.reset();
  fs::remove_all(f.meta);
  fs::rename(before, f.meta);
  fs::remove(f.meta + "/wal-mark");
  app.update(2);
  daemon = f.daemon();
  sync(*daemon);
  CHECK(hashed_up_to(f.meta) == TxId{2});
  REQUIRE(daemon->captured() == TxId{3});
  CHECK(extent_of(local(f, 3)).pages < extent_of(local(f, 1)).pages / 2);
  f.check_equal();
}

TEST_CASE("hashes that were put off are there before the files go that they are made from") {
  Fixture f;
  Application app(f.path);
  app.fill(20);
  auto daemon = f.daemon();
  for (int n = 1; n <= 4; ++n) {
    app.update(n);
    sync(*daemon);
    f.clock.pass(std::chrono::seconds(40));
    maintain(*daemon);
  }
  f.clock.pass(std::chrono::minutes(10));
  maintain(*daemon);
  REQUIRE_FALSE(fs::exists(local(f, 1)));
  CHECK(hashed_up_to(f.meta) == daemon->captured());
}

TEST_CASE("closing folds in what takes long to read, and leaves the rest to the next comparison") {
  Fixture f;
  Application app(f.path);
  app.fill(20);
  Counter gate;
  auto daemon = f.daemon(&gate);
  sync(*daemon);
  gate.asked.clear();
  daemon.reset();
  CHECK_FALSE(fs::exists(f.meta + "/page-hashes"));
  CHECK(gate.subjects("sync").empty());

  daemon = f.daemon();
  app.run("INSERT INTO t(v) SELECT randomblob(1500) FROM t, t AS u");
  sync(*daemon);
  REQUIRE(fs::file_size(local(f, 2)) > std::uintmax_t{256} << 10U);
  daemon.reset();
  CHECK(hashed_up_to(f.meta) == TxId{2});
  // Only what came since then counts.
  daemon = f.daemon();
  app.update(1);
  sync(*daemon);
  CHECK(hashed_up_to(f.meta) == TxId{2});
  daemon.reset();
  CHECK(hashed_up_to(f.meta) == TxId{2});

  fs::remove(f.meta + "/wal-mark");
  app.update(2);
  daemon = f.daemon();
  sync(*daemon);
  REQUIRE(daemon->captured() == TxId{4});
  CHECK(hashed_up_to(f.meta) == TxId{3});
  CHECK(extent_of(local(f, 4)).pages < extent_of(local(f, 2)).pages / 2);
  f.check_equal();
}

TEST_CASE("hashes that a missing file keeps from being made later are made when the database is opened") {
  Fixture f;
  Application app(f.path);
  app.fill(20);
  auto daemon = f.daemon();
  sync(*daemon);
  for (int n = 1; n <= 2; ++n) {
    app.update(n);
    sync(*daemon);
  }
  daemon.reset();
  REQUIRE_FALSE(fs::exists(f.meta + "/page-hashes"));
  fs::remove(local(f, 2));
  daemon = f.daemon();
  sync(*daemon);
  CHECK(hashed_up_to(f.meta) == TxId{3});
  daemon.reset();

  fs::remove(f.meta + "/wal-mark");
  app.update(3);
  daemon = f.daemon();
  sync(*daemon);
  REQUIRE(daemon->captured() == TxId{4});
  CHECK(extent_of(local(f, 4)).pages < extent_of(local(f, 1)).pages / 2);
  f.check_equal();
}

TEST_CASE("of a first file that is damaged no hashes are made") {
  Fixture f;
  Application app(f.path);
  app.fill(20);
  {
    auto daemon = f.daemon();
    capture(*daemon);
    app.update(1);
    capture(*daemon);
  }
  REQUIRE(store::PageHashMap::remove(f.meta));
  fs::remove(f.meta + "/wal-mark");
  ByteVector bytes = read_file(local(f, 1));
  bytes[bytes.size() / 2] ^= std::byte{1};
  write_file(local(f, 1), bytes);
  auto daemon = f.daemon();
  capture(*daemon);
  REQUIRE(daemon->captured() == TxId{3});
  CHECK(extent_of(local(f, 3)).pages == extent_of(local(f, 3)).commit);
  CHECK(hashed_up_to(f.meta) == TxId{3});
}

TEST_CASE("a map of hashes is gone for good") {
  TempDir dir;
  {
    REQUIRE(store::PageHashMap::create(dir.path(), 4096));
  }
  Counter gate;
  REQUIRE(store::PageHashMap::remove(dir.path(), &gate));
  CHECK(gate.subjects("sync_dir") == std::vector<std::string>{dir.path()});
  gate.asked.clear();
  REQUIRE(store::PageHashMap::remove(dir.path(), &gate));  // there is none: nothing to do
  CHECK(gate.asked.empty());
}

TEST_CASE("the first file is the first snapshot too") {
  Fixture f;
  Application app(f.path);
  app.fill(20);
  Counter gate;
  auto daemon = f.daemon(&gate);
  sync(*daemon);
  gate.asked.clear();
  maintain(*daemon);
  REQUIRE(f.listed(9).size() == 1);
  CHECK(f.listed(9)[0].range == TxRange{TxId{1}, TxId{1}});
  CHECK(f.listed(9)[0].size == fs::file_size(local(f, 1)));
  const auto opened = gate.subjects("open");
  CHECK(std::count(opened.begin(), opened.end(), f.path) == 0);
  f.check_equal();

  // The next one is made from the database.
  app.update(1);
  sync(*daemon);
  f.clock.pass(std::chrono::hours(25));
  maintain(*daemon);
  CHECK(f.listed(9).back().range.max == TxId{2});
  f.check_equal();
  f.check_history();
}

TEST_CASE("without the first file the first snapshot is made from the database") {
  Fixture f;
  Application app(f.path);
  app.fill(20);
  auto daemon = f.daemon();
  sync(*daemon);
  write_text(local(f, 1), "no LTX file");
  maintain(*daemon);
  REQUIRE(f.listed(9).size() == 1);
  CHECK(f.listed(9)[0].range.max == TxId{1});
  f.check_equal();
}

TEST_CASE("of the wal-index no more than its header is resident while nothing happens") {
  Fixture f;
  Application app(f.path);
  app.fill(20);
  auto daemon = f.daemon();
  capture(*daemon);
  // Of the two mappings in this process, the application's is the same.
  std::ifstream maps("/proc/self/smaps");
  std::size_t found = 0, resident_kb = 0;
  bool ours = false;
  for (std::string line; std::getline(maps, line);) {
    if (line.find(f.path + "-shm") != std::string::npos) {
      ours = true;
      ++found;
    } else if (ours && line.starts_with("Rss:")) {
      resident_kb += std::stoul(line.substr(4));
      ours = false;
    }
  }
  REQUIRE(found == 1);
  CHECK(resident_kb * 1024 <= static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)));
  app.update(1);
  capture(*daemon);
  REQUIRE(daemon->captured() == TxId{2});
}

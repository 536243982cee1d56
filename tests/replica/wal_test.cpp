// Write-ahead logs built by hand, good and bad, and logs and wal-indexes written by SQLite itself.
#include <sqlite3.h>

#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <string>

#include "replica/wal.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"
#include "support/wal_builder.hpp"
#include "wal/wal_index.hpp"

using namespace replica;
using support::WalBuilder;
using ByteVector = std::vector<std::byte>;

namespace {

std::uint32_t seed() {
  if (const char* text = std::getenv("TEST_SEED")) return static_cast<std::uint32_t>(std::stoul(text));
  return std::random_device{}();
}

// Walks a whole log as a reader of the file would, frame by frame until one does not belong to it.
struct Walk {
  ByteVector log;  // what the frames view
  std::vector<WalFrame> frames;
  Changeset changes;
};

Walk walk(const WalHeader& header, ByteVector bytes) {
  Walk result{std::move(bytes), {}, {}};
  const Bytes log = result.log;
  WalDecoder decoder(header);
  ChangesetBuilder builder;
  const std::uint64_t size = wal_frame_size(header.page_size);
  for (std::uint64_t frame = 0; wal_offset(frame + 1, header.page_size) <= log.size(); ++frame) {
    auto read = decoder.next(log.subspan(wal_offset(frame, header.page_size), size));
    if (!read) break;
    result.frames.push_back(*read);
    builder.add(*read, frame);
  }
  REQUIRE(decoder.frames() == result.frames.size());
  result.changes = builder.take();
  return result;
}

Walk walk(ByteVector log) {
  auto header = parse_wal_header(log);
  REQUIRE(header);
  return walk(*header, std::move(log));
}

std::map<PageNo, std::uint64_t> by_page(const Changeset& changes) {
  std::map<PageNo, std::uint64_t> pages;
  PageNo last = 0;
  for (const auto& page : changes.pages) {
    REQUIRE(page.page > last);
    last = page.page;
    pages[page.page] = page.frame;
  }
  return pages;
}

ByteVector read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  REQUIRE(in);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

void write_file(const std::string& path, Bytes bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  REQUIRE(out.flush());
}

class Database {
 public:
  explicit Database(const std::string& path) {
    REQUIRE(sqlite3_open(path.c_str(), &db_) == SQLITE_OK);
    sqlite3_db_config(db_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database() { sqlite3_close(db_); }

  std::string run(const std::string& sql) {
    std::string first;
    const auto keep = [](void* text, int, char** values, char**) {
      if (values[0] != nullptr && static_cast<std::string*>(text)->empty())
        *static_cast<std::string*>(text) = values[0];
      return 0;
    };
    INFO(sql);
    REQUIRE(sqlite3_exec(db_, sql.c_str(), keep, &first, nullptr) == SQLITE_OK);
    return first;
  }
  // The database as a reader sees it, write-ahead log included.
  ByteVector image() {
    sqlite3_int64 size = 0;
    const std::unique_ptr<unsigned char, decltype(&sqlite3_free)> data(sqlite3_serialize(db_, "main", &size, 0),
                                                                       sqlite3_free);
    REQUIRE(data);
    const auto bytes = std::as_bytes(std::span(data.get(), static_cast<std::size_t>(size)));
    return {bytes.begin(), bytes.end()};
  }

 private:
  sqlite3* db_ = nullptr;
};

std::string insert_rows(int count) {
  return "INSERT INTO t (data) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " +
         std::to_string(count) + ") SELECT randomblob(300) FROM n";
}

// A database in WAL mode whose log holds several transactions that rewrite, grow and shrink it.
void fill(Database& db, std::uint32_t page_size) {
  db.run("PRAGMA page_size=" + std::to_string(page_size) + "; PRAGMA auto_vacuum=full; PRAGMA journal_mode=wal");
  db.run("PRAGMA wal_autocheckpoint=0; CREATE TABLE t (id INTEGER PRIMARY KEY, data BLOB)");
  db.run(insert_rows(500));
  db.run("UPDATE t SET data=randomblob(200) WHERE id % 7 = 0");
  db.run("DELETE FROM t WHERE id > 250");
}

ByteVector overlay(ByteVector file, const Walk& log, std::uint32_t page_size) {
  file.resize(static_cast<std::size_t>(log.changes.commit) * page_size);
  for (const auto& page : log.changes.pages) {
    const Bytes image = log.frames[page.frame].image;
    std::copy(image.begin(), image.end(), file.begin() + static_cast<std::ptrdiff_t>((page.page - 1) * image.size()));
  }
  return file;
}

}  // namespace

TEST_CASE("a log is read back in both byte orders and all page sizes") {
  const bool big_endian = GENERATE(false, true);
  const std::uint32_t page_size = GENERATE(512U, 1024U, 4096U, 32768U, 65536U);
  WalBuilder log({.page_size = page_size, .big_endian = big_endian, .sequence = 9});
  log.frame(1, 0, 0xaa).frame(3, 3, 0xbb).frame(2, 3, 0xcc);

  auto header = parse_wal_header(log.bytes());
  REQUIRE(header);
  CHECK(header->big_endian_checksum == big_endian);
  CHECK(header->page_size == page_size);
  CHECK(header->sequence == 9);
  CHECK(header->salts == Salts{0x11111111, 0x22222222});
  const Walk read = walk(log.bytes());
  REQUIRE(read.frames.size() == 3);
  CHECK(read.frames[0].page == 1);
  CHECK(read.frames[0].commit == 0);
  CHECK(read.frames[1].commit == 3);
  CHECK(read.frames[2].image.size() == page_size);
  CHECK(read.frames[2].image[page_size - 1] == std::byte{0xcc});
  CHECK(by_page(read.changes) == std::map<PageNo, std::uint64_t>{{1, 0}, {2, 2}, {3, 1}});
  CHECK(read.changes.end_frame == 3);
  CHECK(read.changes.checksum == read.frames[2].checksum);
}

TEST_CASE("headers that are none are refused") {
  const auto refused = [](const WalBuilder::Options& options) {
    auto header = parse_wal_header(WalBuilder(options).bytes());
    return !header && header.error().code == Errc::corrupt;
  };
  CHECK_FALSE(refused({}));
  CHECK(refused({.magic = 0x377f0680}));
  CHECK(refused({.version = 3007001}));
  CHECK(refused({.page_size = 1000}));
  CHECK(refused({.page_size = 256}));
  CHECK(refused({.page_size = 131072}));
  CHECK(refused({.page_size = 0}));
}

TEST_CASE("reading can continue behind any frame") {
  WalBuilder log({});
  log.frame(1, 1, 1).frame(2, 2, 2).frame(3, 3, 3);
  const Walk whole = walk(log.bytes());
  auto header = parse_wal_header(log.bytes());
  REQUIRE(header);
  for (std::uint64_t from = 1; from < 3; ++from) {
    WalDecoder decoder(*header, from, whole.frames[from - 1].checksum);
    for (std::uint64_t i = from; i < 3; ++i) {
      auto frame = decoder.next(Bytes(log.bytes()).subspan(wal_offset(i, 512), wal_frame_size(512)));
      REQUIRE(frame);
      CHECK(frame->page == i + 1);
    }
    CHECK(decoder.frames() == 3);
    CHECK(decoder.checksum() == whole.frames[2].checksum);
  }
  WalDecoder elsewhere(*header, 1, whole.frames[1].checksum);
  CHECK_FALSE(elsewhere.next(Bytes(log.bytes()).subspan(wal_offset(1, 512), wal_frame_size(512))));
}

TEST_CASE("a refused frame leaves the decoder where it was") {
  WalBuilder log({});
  log.frame(1, 1, 1);
  auto header = parse_wal_header(log.bytes());
  REQUIRE(header);
  const Bytes good = Bytes(log.bytes()).subspan(kWalHeaderSize);
  ByteVector torn(good.begin(), good.end());
  torn.back() ^= std::byte{1};
  WalDecoder decoder(*header);
  CHECK_FALSE(decoder.next(torn));
  CHECK_FALSE(decoder.next(good.first(good.size() - 1)));
  CHECK_FALSE(decoder.next({}));
  CHECK(decoder.frames() == 0);
  CHECK(decoder.checksum() == header->checksum);
  CHECK(decoder.next(good));
}

TEST_CASE("a log ends at remains of an older generation, at page 0, and at garbage") {
  WalBuilder log({});
  log.frame(1, 1, 1).frame(2, 2, 2);
  const std::size_t good = log.bytes().size();
  SECTION("other salts, though the checksum runs on") {
    log.frame_with_salts(3, 3, ByteVector(512), {0x11111110, 0x22222222});
  }
  SECTION("only the second salt differs") { log.frame_with_salts(3, 3, ByteVector(512), {0x11111111, 0x22222223}); }
  SECTION("page 0") { log.frame(0, 3, 3); }
  SECTION("zeros") { log.garbage(ByteVector(wal_frame_size(512))); }
  SECTION("an earlier frame once more") {
    const ByteVector again(log.bytes().begin() + kWalHeaderSize, log.bytes().begin() + wal_offset(1, 512));
    log.garbage(again);
  }
  REQUIRE(log.bytes().size() > good);
  log.frame(3, 3, 3);
  CHECK(walk(log.bytes()).frames.size() == 2);
}

TEST_CASE("a log cut at any byte gives its whole frames and nothing else") {
  WalBuilder log({.big_endian = GENERATE(false, true)});
  log.frame(1, 0, 1).frame(2, 2, 2).frame(1, 0, 3).frame(3, 3, 4);
  for (std::size_t size = 0; size <= log.bytes().size(); ++size) {
    const ByteVector cut(log.bytes().begin(), log.bytes().begin() + static_cast<std::ptrdiff_t>(size));
    if (size < kWalHeaderSize) {
      REQUIRE_FALSE(parse_wal_header(cut));
      continue;
    }
    const Walk read = walk(cut);
    const std::size_t whole = (size - kWalHeaderSize) / wal_frame_size(512);
    REQUIRE(read.frames.size() == whole);
    REQUIRE(read.changes.end_frame == whole / 2 * 2);
  }
}

TEST_CASE("every flipped bit ends the log at its frame") {
  WalBuilder log({});
  log.frame(1, 0, 1).frame(2, 2, 0x80).frame(1, 2, 3);
  ByteVector bytes = log.bytes();
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    auto header = parse_wal_header(bytes);
    const bool in_header = bit / 8 < kWalHeaderSize;
    if (header.has_value() == in_header) FAIL("bit " << bit << " of the header");
    if (header && walk(*header, bytes).frames.size() != (bit / 8 - kWalHeaderSize) / wal_frame_size(512)) {
      FAIL("bit " << bit);
    }
    bytes[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
  }
}

TEST_CASE("what is not committed is left out of a changeset") {
  WalBuilder log({});
  log.frame(1, 0, 1).frame(2, 2, 2).frame(2, 0, 3).frame(3, 0, 4);
  const Changeset changes = walk(log.bytes()).changes;
  CHECK(by_page(changes) == std::map<PageNo, std::uint64_t>{{1, 0}, {2, 1}});
  CHECK(changes.commit == 2);
  CHECK(changes.end_frame == 2);

  WalBuilder open({});
  open.frame(1, 0, 1);
  const Changeset none = walk(open.bytes()).changes;
  CHECK(none.pages.empty());
  CHECK(none.commit == 0);
  CHECK(none.end_frame == 0);
}

TEST_CASE("a shrinking database drops the pages beyond its final size") {
  WalBuilder log({});
  log.frame(5, 5, 1).frame(1, 2, 2).frame(2, 2, 3).frame(3, 3, 4);
  const Changeset changes = walk(log.bytes()).changes;
  CHECK(by_page(changes) == std::map<PageNo, std::uint64_t>{{1, 1}, {2, 2}, {3, 3}});
  CHECK(changes.commit == 3);
}

TEST_CASE("a builder starts over after take, and counts committed frames") {
  WalBuilder log({});
  log.frame(1, 0, 1).frame(2, 2, 2).frame(3, 0, 3);
  const Walk read = walk(log.bytes());
  ChangesetBuilder builder;
  builder.add(read.frames[0], 0);
  CHECK(builder.committed_frames() == 0);
  builder.add(read.frames[1], 1);
  builder.add(read.frames[2], 2);
  CHECK(builder.committed_frames() == 2);
  CHECK(builder.take().pages.size() == 2);
  CHECK(builder.committed_frames() == 0);
  const Changeset nothing = builder.take();
  CHECK(nothing.pages.empty());
  CHECK(nothing.commit == 0);
}

TEST_CASE("random transactions give the changeset of a simple model") {
  const std::uint32_t chosen = seed();
  INFO("TEST_SEED=" << chosen);
  std::mt19937 random(chosen);
  const auto below = [&random](std::uint32_t end) { return static_cast<std::uint32_t>(random() % end); };
  for (int round = 0; round < 50; ++round) {
    WalBuilder log({.big_endian = below(2) == 0, .salts = {below(100), 7}});
    std::map<PageNo, std::uint64_t> committed, open;
    std::uint32_t commit = 0;
    std::uint64_t end = 0;
    const std::uint64_t frames = below(120);
    for (std::uint64_t frame = 0; frame < frames; ++frame) {
      const PageNo page = below(40) + 1;
      const std::uint32_t size = below(4) == 0 ? below(40) + 1 : 0;
      log.frame(page, size, static_cast<std::uint8_t>(below(256)));
      open[page] = frame;
      if (size == 0) continue;
      for (const auto& [number, at] : open) committed[number] = at;
      open.clear();
      commit = size;
      end = frame + 1;
    }
    std::erase_if(committed, [&](const auto& page) { return page.first > commit; });
    const Walk read = walk(log.bytes());
    REQUIRE(read.frames.size() == frames);
    REQUIRE(by_page(read.changes) == committed);
    REQUIRE(read.changes.commit == commit);
    REQUIRE(read.changes.end_frame == end);
    if (end > 0) REQUIRE(read.changes.checksum == read.frames[end - 1].checksum);
  }
}

TEST_CASE("SQLite's own log over the database file is the database it serves") {
  const std::uint32_t page_size = GENERATE(512U, 1024U, 2048U, 4096U, 8192U, 16384U, 32768U, 65536U);
  INFO("page size " << page_size);
  const support::TempDir dir;
  Database db(dir.path("a.db"));
  fill(db, page_size);
  const Walk log = walk(read_file(dir.path("a.db-wal")));
  CHECK(log.changes.end_frame == log.frames.size());
  CHECK(overlay(read_file(dir.path("a.db")), log, page_size) == db.image());

  SECTION("frames spilled by an open transaction are valid but not committed") {
    db.run("PRAGMA cache_size=1; PRAGMA cache_spill=1; " + insert_rows(5000));
    const Walk before = walk(read_file(dir.path("a.db-wal")));
    // Each page once: SQLite overwrites a frame that is spilled again without its checksum, which ends the log there.
    db.run("BEGIN; UPDATE t SET data=randomblob(length(data))");
    const Walk spilled = walk(read_file(dir.path("a.db-wal")));
    REQUIRE(spilled.frames.size() > before.frames.size());
    CHECK(spilled.changes.end_frame == before.changes.end_frame);
    CHECK(by_page(spilled.changes) == by_page(before.changes));
    db.run("ROLLBACK");
  }
  SECTION("a restarted log ends where the older generation remains") {
    db.run("PRAGMA wal_checkpoint(RESTART)");
    const ByteVector file = read_file(dir.path("a.db"));
    db.run("INSERT INTO t (data) VALUES ('after')");
    const ByteVector bytes = read_file(dir.path("a.db-wal"));
    const Walk restarted = walk(bytes);
    CHECK(restarted.frames.size() < log.frames.size());
    CHECK(bytes.size() > wal_offset(restarted.frames.size(), page_size));
    CHECK(overlay(file, restarted, page_size) == db.image());
  }
  SECTION("the wal-index says the same") {
    const ByteVector index = read_file(dir.path("a.db-shm"));
    auto header = wal::parse_wal_index(index);
    REQUIRE(header);
    CHECK(header->max_frame == log.frames.size());
    CHECK(header->page_count == log.changes.commit);
    CHECK(header->page_size == page_size);
    CHECK(header->frame_checksum == log.changes.checksum);
    CHECK(header->backfilled == 0);
    auto wal_header = parse_wal_header(read_file(dir.path("a.db-wal")));
    REQUIRE(wal_header);
    CHECK(header->salts == wal_header->salts);

    CHECK_FALSE(wal::parse_wal_index(Bytes(index).first(wal::kWalIndexBytes - 1)));
    for (std::size_t i = 0; i < 96; ++i) {
      ByteVector torn = index;
      torn[i] ^= std::byte{0x10};
      CHECK_FALSE(wal::parse_wal_index(torn));
      torn[(i + 48) % 96] ^= std::byte{0x10};  // copies alike, but the checksum is not theirs
      CHECK_FALSE(wal::parse_wal_index(torn));
    }
  }
}

TEST_CASE("SQLite accepts the logs of the builder, in both byte orders") {
  const bool big_endian = GENERATE(false, true);
  const support::TempDir dir;
  std::string sum;
  {
    Database db(dir.path("a.db"));
    fill(db, 1024);
    sum = db.run("SELECT sum(id * length(data)) FROM t");
    const Walk log = walk(read_file(dir.path("a.db-wal")));
    WalBuilder built({.page_size = 1024, .big_endian = big_endian, .salts = {77, 78}});
    for (const WalFrame& frame : log.frames) built.frame(frame.page, frame.commit, frame.image);
    write_file(dir.path("b.db"), read_file(dir.path("a.db")));
    write_file(dir.path("b.db-wal"), built.bytes());
  }
  Database copy(dir.path("b.db"));
  CHECK(copy.run("PRAGMA integrity_check") == "ok");
  CHECK(copy.run("SELECT sum(id * length(data)) FROM t") == sum);
}

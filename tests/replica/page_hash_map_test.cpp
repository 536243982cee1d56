#include "store/page_hash_map.hpp"

#include <algorithm>
#include <cstring>

#include "ltx_files.hpp"

using namespace replica;
using namespace ltx_files;
using store::page_hash;
using store::PageHashMap;

namespace {

constexpr std::uint32_t kPageSize = 512;

struct Change {
  LtxHeader header;
  Pages pages;
  ByteVector file;
};

using Hashes = std::vector<std::uint64_t>;  // [0] = page 1; 0 = never set

Change change(std::uint64_t txid, std::uint32_t commit, Pages pages) {
  Change made{header(txid, txid, commit, kPageSize), std::move(pages), {}};
  made.file = encode(made.header, made.pages);
  return made;
}

// What the map must say after `changes`: pages beyond a commit are forgotten for good.
Hashes model(const std::vector<Change>& changes, TxId until) {
  Hashes hashes;
  for (const Change& c : changes) {
    if (c.header.range.max > until) break;
    hashes.resize(c.header.commit);
    for (const auto& [page, bytes] : c.pages) hashes[page - 1] = page_hash(bytes);
  }
  return hashes;
}

Hashes contents(const PageHashMap& map) {
  Hashes hashes;
  for (PageNo page = 1; page <= map.commit(); ++page) {
    auto hash = map.get(page);
    REQUIRE(hash);
    REQUIRE(*hash);
    hashes.push_back(**hash);
  }
  auto beyond = map.get(map.commit() + 1);
  REQUIRE(beyond);
  CHECK_FALSE(*beyond);
  return hashes;
}

Result<void> fold(PageHashMap& map, const ByteVector& file) {
  MemorySource body(file);
  return map.fold(body);
}

PageHashMap reopen(const std::string& meta, io::Gate* gate = nullptr) {
  auto map = PageHashMap::open(meta, gate);
  REQUIRE(map);
  REQUIRE(*map);
  return std::move(**map);
}

PageHashMap fresh(const std::string& meta, std::uint32_t page_size = kPageSize) {
  auto map = PageHashMap::create(meta, page_size);
  REQUIRE(map);
  return std::move(*map);
}

Pages every_page(std::uint32_t commit, std::uint32_t content) {
  Pages pages;
  for (PageNo page = 1; page <= commit; ++page) pages[page] = image(kPageSize, content + page);
  return pages;
}

// A history that grows, shrinks and grows again.
std::vector<Change> random_history(std::mt19937& random, int length) {
  const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
  std::vector<Change> changes{change(1, 20, every_page(20, 1000))};
  for (int i = 2; i <= length; ++i) {
    const std::uint32_t before = changes.back().header.commit;
    const std::uint32_t commit = below(3) != 0 ? before : 1 + below(40);
    Pages pages;
    for (PageNo page = before + 1; page <= commit; ++page) pages[page] = image(kPageSize, below(0x7fffffff));
    for (std::uint32_t n = below(6); n > 0; --n) pages[1 + below(commit)] = image(kPageSize, below(0x7fffffff));
    changes.push_back(change(static_cast<std::uint64_t>(i), commit, std::move(pages)));
  }
  return changes;
}

}  // namespace

TEST_CASE("the bytes of a map are those docs/store-layout.md says") {
  TempDir meta;
  PageHashMap map = fresh(meta.path(), 4096);
  REQUIRE(map.set(2, 0x0102030405060708));
  REQUIRE(map.commit(TxId{7}, 3));
  const ByteVector file = read_file(meta / "page-hashes");
  REQUIRE(file.size() == 4096 + 3 * 8);
  const auto number = [&](std::size_t offset, std::size_t width) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < width; ++i) value = value << 8 | std::to_integer<std::uint64_t>(file[offset + i]);
    return value;
  };
  CHECK(std::memcmp(file.data() + 512, "LSPGHASH", 8) == 0);
  CHECK(number(512 + 8, 4) == 1);
  CHECK(number(512 + 12, 4) == 4096);
  CHECK(number(512 + 16, 8) == 3);
  CHECK(number(512 + 24, 8) == 7);
  CHECK(number(512 + 32, 8) == 0);
  CHECK(number(512 + 40, 4) == 3);
  CHECK(number(512 + 48, 8) == page_hash(Bytes(file).subspan(512, 48)));
  CHECK(number(4096, 8) == 0);
  CHECK(number(4096 + 8, 8) == 0x0102030405060708);
}

TEST_CASE("page_hash is XXH3-64") {
  CHECK(page_hash({}) == 0x2D06800538D394C2);  // XXH3_64bits of nothing, from the xxHash specification
}

TEST_CASE("hashes are seen after commit and again after opening") {
  TempDir meta;
  auto none = PageHashMap::open(meta.path());
  REQUIRE(none);
  CHECK_FALSE(*none);
  {
    PageHashMap map = fresh(meta.path());
    CHECK(map.txid() == TxId{});
    REQUIRE(map.set(3, 30));
    REQUIRE(map.set(1, 10));
    REQUIRE(map.set(3, 31));
    REQUIRE(map.set(9, 90));  // beyond the commit that follows
    auto early = map.get(1);
    REQUIRE(early);
    CHECK_FALSE(*early);
    REQUIRE(map.commit(TxId{4}, 5));
    CHECK(contents(map) == Hashes{10, 0, 31, 0, 0});
    CHECK_FALSE(map.set(0, 1));
    CHECK_FALSE(map.get(0));
    CHECK(map.commit(TxId{3}, 5).error().code == Errc::invalid_argument);
  }
  const PageHashMap map = reopen(meta.path());
  CHECK(map.txid() == TxId{4});
  CHECK(map.page_size() == kPageSize);
  CHECK(map.whole());
  CHECK(contents(map) == Hashes{10, 0, 31, 0, 0});

  REQUIRE(PageHashMap::remove(meta.path()));
  REQUIRE(PageHashMap::remove(meta.path()));
  CHECK_FALSE(*PageHashMap::open(meta.path()));
  CHECK(PageHashMap::create(meta.path(), 1000).error().code == Errc::invalid_argument);
}

TEST_CASE("folding the peer's level 0 gives the hashes of the database it restores") {
  const std::string version =
      GENERATE("0.5.5-ps4096", "0.5.15-ps4096", "0.5.17-ps512", "0.5.17-ps4096", "0.5.17-ps65536");
  INFO(version);
  const fs::path golden = fs::path(GOLDEN_DIR) / version;
  const ByteVector database = read_file(golden / "restored.db");
  TempDir meta;
  std::optional<PageHashMap> map;
  for (const auto& name : names_in(golden / "replica/ltx/0")) {
    const ByteVector file = read_file(golden / "replica/ltx/0" / name);
    if (!map) map = fresh(meta.path(), parse_ltx_header(Bytes(file).first(kLtxHeaderSize))->page_size);
    auto folded = fold(*map, file);
    REQUIRE(folded);
  }
  const std::size_t size = map->page_size();
  REQUIRE(database.size() == map->commit() * size);
  Hashes expected;
  for (std::size_t at = 0; at < database.size(); at += size)
    expected.push_back(page_hash(Bytes(database).subspan(at, size)));
  CHECK(contents(*map) == expected);
}

TEST_CASE("a page that went with a shrink does not come back with its old hash") {
  TempDir meta;
  PageHashMap map = fresh(meta.path());
  REQUIRE(fold(map, change(1, 10, every_page(10, 1)).file));
  REQUIRE(fold(map, change(2, 4, {{1, image(kPageSize, 99)}}).file));
  if (GENERATE(false, true)) map = reopen(meta.path());
  REQUIRE(fold(map, change(3, 8, {{8, image(kPageSize, 88)}}).file));
  const Hashes after = contents(map);
  CHECK(after[4] == 0);
  CHECK(after[6] == 0);
  CHECK(after[7] == page_hash(image(kPageSize, 88)));
  CHECK(after[3] == page_hash(image(kPageSize, 5)));
}

TEST_CASE("fold takes only what fits and is sound, and is as before after a refusal") {
  TempDir meta;
  PageHashMap map = fresh(meta.path());
  const auto refuse = [&](const ByteVector& file) {
    const TxId before = map.txid();
    auto folded = fold(map, file);
    REQUIRE_FALSE(folded);
    CHECK(folded.error().code == Errc::corrupt);
    CHECK(map.txid() == before);
    CHECK(map.whole());
  };
  refuse(change(2, 3, {{1, image(kPageSize, 1)}}).file);    // not every page, and nothing before
  REQUIRE(fold(map, change(5, 3, every_page(3, 1)).file));  // every page: a start in the middle of the chain
  const Hashes before = contents(map);
  refuse(change(7, 3, {{1, image(kPageSize, 2)}}).file);  // 6 is missing
  refuse(change(5, 3, {{1, image(kPageSize, 2)}}).file);  // known already
  refuse(encode(header(6, 6, 3, 1024), {{1, image(1024, 2)}}));
  ByteVector damaged = change(6, 3, {{1, image(kPageSize, 2)}}).file;
  damaged.back() ^= std::byte{1};
  refuse(damaged);
  CHECK(contents(map) == before);
  REQUIRE(fold(map, encode(header(4, 9, 3, kPageSize), {{2, image(kPageSize, 7)}})));  // overlaps, and goes further
  CHECK(map.txid() == TxId{9});
  CHECK(contents(reopen(meta.path()))[1] == page_hash(image(kPageSize, 7)));
}

TEST_CASE("a map with hashes of a file that proved damaged knows nothing until a sound one is folded") {
  constexpr std::uint32_t kMany = 70'000;  // more than are kept in memory before they are written in place
  TempDir meta;
  PageHashMap map = fresh(meta.path());
  REQUIRE(fold(map, change(1, 2, every_page(2, 1)).file));
  const Change big = change(2, kMany, every_page(kMany, 5));
  ByteVector damaged = big.file;
  damaged.back() ^= std::byte{1};
  REQUIRE_FALSE(fold(map, damaged));
  if (GENERATE(false, true)) map = reopen(meta.path());
  CHECK_FALSE(map.whole());
  CHECK(map.txid() == TxId{1});
  CHECK(contents(map) == Hashes{0, 0});
  REQUIRE(fold(map, big.file));
  CHECK(map.whole());
  CHECK(contents(map) == model({big}, TxId{2}));
  CHECK(contents(reopen(meta.path())) == model({big}, TxId{2}));
}

TEST_CASE("a long set() that was cut short leaves no map behind, unless there was nothing to lose") {
  TempDir meta;
  const TxId before{GENERATE(0U, 1U)};
  {
    PageHashMap map = fresh(meta.path());
    if (before) REQUIRE(map.commit(before, 3));
    for (PageNo page = 1; page <= 70'000; ++page) REQUIRE(map.set(page, page));
  }
  auto map = PageHashMap::open(meta.path());
  REQUIRE(map);
  CHECK(map->has_value() == !before);
  CHECK(fs::exists(meta / "page-hashes") == !before);
  if (*map) CHECK((*map)->commit() == 0);
}

TEST_CASE("a damaged map is removed") {
  const std::string damage = GENERATE("empty", "garbage", "both headers", "short", "directory of another version");
  INFO(damage);
  TempDir meta;
  {
    PageHashMap map = fresh(meta.path());
    REQUIRE(fold(map, change(1, 10, every_page(10, 1)).file));
  }
  ByteVector file = read_file(meta / "page-hashes");
  if (damage == "empty") file.clear();
  if (damage == "garbage") std::fill(file.begin(), file.end(), std::byte{0x5a});
  if (damage == "both headers") file[30] = file[512 + 30] = std::byte{0xff};
  if (damage == "short") file.resize(file.size() - 1);
  if (damage == "directory of another version") file[11] = file[512 + 11] = std::byte{9};
  write_file(meta / "page-hashes", file);
  auto map = PageHashMap::open(meta.path());
  REQUIRE(map);
  CHECK_FALSE(*map);
  CHECK_FALSE(fs::exists(meta / "page-hashes"));
}

namespace {

// Fails everything from call `n` on, and remembers what was durable by then: the file as it was when a sync was asked
// for.
class PowerLoss final : public io::Gate {
 public:
  PowerLoss(fs::path file, int n) : file_(std::move(file)), left_(n), durable_(read_file(file_)) {}
  std::optional<Error> before(std::string_view operation, std::string_view) override {
    if (--left_ <= 0) return Error{.code = Errc::io, .message = "power loss"};
    if (operation == "sync") durable_ = read_file(file_);
    return std::nullopt;
  }
  bool happened() const { return left_ <= 0; }

  // Of what was written since the last sync any part may have reached the disk.
  void tear(std::mt19937& random) const {
    const ByteVector written = read_file(file_);
    ByteVector found = random() % 2 != 0 ? durable_ : written;
    for (std::size_t at = 0; at < found.size(); at += 8) {
      const ByteVector& from = random() % 2 != 0 ? durable_ : written;
      for (std::size_t i = at; i < std::min(at + 8, found.size()); ++i)
        found[i] = i < from.size() ? from[i] : std::byte{};
    }
    write_file(file_, found);
  }

 private:
  fs::path file_;
  int left_;
  ByteVector durable_;
};

}  // namespace

TEST_CASE("after a power loss at any step folding again gives the hashes of the database") {
  const std::uint32_t number = seed();
  INFO("LITESTREAM_TEST_SEED=" << number);
  std::mt19937 random(number);
  for (int round = 0; round < 8; ++round) {
    const std::vector<Change> history = random_history(random, 8);
    const TxId last = history.back().header.range.max;
    for (int n = 1;; ++n) {
      INFO("round " << round << " loss at step " << n);
      TempDir meta;
      {
        fresh(meta.path());
      }
      PowerLoss gate(meta / "page-hashes", n);
      if (auto map = PageHashMap::open(meta.path(), &gate); map && *map) {
        for (const Change& c : history) {
          if (!fold(**map, c.file)) break;
        }
      }
      if (!gate.happened()) {
        CHECK(contents(reopen(meta.path())) == model(history, last));
        break;
      }
      gate.tear(random);
      PageHashMap map = reopen(meta.path());
      if (map.whole()) CHECK(contents(map) == model(history, map.txid()));
      for (const Change& c : history) {
        if (c.header.range.max <= map.txid()) continue;
        auto folded = fold(map, c.file);
        REQUIRE(folded);
      }
      CHECK(map.whole());
      CHECK(contents(map) == model(history, last));
    }
  }
}

TEST_CASE("a failed step can be tried again by folding the same file") {
  TempDir meta;
  std::mt19937 random(7);
  const std::vector<Change> history = random_history(random, 6);
  {
    fresh(meta.path());
  }
  class NowAndThen final : public io::Gate {
   public:
    std::optional<Error> before(std::string_view operation, std::string_view) override {
      if (operation == "read" || operation == "open" || ++calls_ % 17 != 0) return std::nullopt;
      return Error{.code = Errc::no_space, .message = "full"};
    }

   private:
    int calls_ = 0;
  } gate;
  PageHashMap map = reopen(meta.path(), &gate);
  int refusals = 0;
  for (const Change& c : history) {
    for (int attempt = 0; attempt < 20 && map.txid() < c.header.range.max; ++attempt)
      refusals += fold(map, c.file) ? 0 : 1;
    REQUIRE(map.txid() == c.header.range.max);
    CHECK(contents(map) == model(history, map.txid()));
  }
  CHECK(refusals > 0);
}

TEST_CASE("a map that failed to commit is to be opened again") {
  TempDir meta;
  {
    fresh(meta.path());
  }
  class NoSync final : public io::Gate {
   public:
    std::optional<Error> before(std::string_view operation, std::string_view) override {
      if (operation != "sync") return std::nullopt;
      return Error{.code = Errc::io, .message = "sync failed"};
    }
  } gate;
  PageHashMap map = reopen(meta.path(), &gate);
  REQUIRE(map.set(1, 5));
  CHECK(map.commit(TxId{1}, 1).error().code == Errc::io);
  CHECK(map.commit(TxId{1}, 1).error().code == Errc::precondition_failed);
  CHECK(map.set(1, 5).error().code == Errc::precondition_failed);
  CHECK(fold(map, change(1, 1, every_page(1, 1)).file).error().code == Errc::precondition_failed);
  CHECK(reopen(meta.path()).txid() <= TxId{1});
}

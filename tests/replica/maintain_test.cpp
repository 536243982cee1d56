#include "engine/maintain.hpp"

#include <algorithm>

#include "ltx_files.hpp"
#include "replica/restore.hpp"

using namespace replica;
using namespace ltx_files;
using namespace std::chrono_literals;
using engine::aligned;
using engine::plan_compaction;
using engine::plan_l0_retention;
using engine::plan_snapshot_retention;

namespace {

const Call kCall;

TxRange range(std::uint64_t min, std::uint64_t max) { return {{min}, {max}}; }

Timestamp at(std::string_view text) {
  auto time = parse_rfc3339(text);
  REQUIRE(time);
  return *time;
}

const Timestamp kNow = Timestamp(1'700'000'000s);

LtxFileInfo file(Level level, std::uint64_t min, std::uint64_t max, std::chrono::milliseconds age = 0ms) {
  return {.level = level, .range = range(min, max), .size = 200, .created_at = kNow - age};
}

std::vector<TxRange> ranges(const std::vector<LtxFileInfo>& files) {
  std::vector<TxRange> found;
  found.reserve(files.size());
  for (const auto& f : files) found.push_back(f.range);
  return found;
}

std::vector<TxRange> planned(const std::vector<LtxFileInfo>& below, std::optional<LtxFileInfo> newest = {},
                             std::size_t max_inputs = 256) {
  auto plan = plan_compaction(below, newest, max_inputs);
  REQUIRE(plan);
  return ranges(*plan);
}

}  // namespace

TEST_CASE("instants are aligned to the calendar") {
  CHECK(aligned(at("2026-11-23T14:14:23.749Z"), 24h) == at("2026-11-23T00:00:00Z"));
  CHECK(aligned(at("2026-11-23T14:14:23.749Z"), 30s) == at("2026-11-23T14:14:00Z"));
  CHECK(aligned(at("2026-11-23T14:14:30Z"), 30s) == at("2026-11-23T14:14:30Z"));
  CHECK(aligned(at("2026-11-23T14:59:59.999Z"), 1h) == at("2026-11-23T14:00:00Z"));
  CHECK(aligned(at("1960-02-29T12:00:00Z"), 24h) == at("1960-02-29T00:00:00Z"));
  // The week of 0001-01-01 began on a Monday.
  CHECK(aligned(at("2026-11-25T12:00:00Z"), 7 * 24h) == at("2026-11-23T00:00:00Z"));
  CHECK(aligned(kNow, 0ms) == kNow);
}

TEST_CASE("compaction takes what continues the level") {
  const std::vector<LtxFileInfo> singles{file(0, 1, 1), file(0, 2, 2), file(0, 3, 3), file(0, 4, 4)};
  CHECK(planned({}).empty());
  CHECK(planned({}, file(1, 1, 5)).empty());
  CHECK(planned(singles) == std::vector<TxRange>{range(1, 1), range(2, 2), range(3, 3), range(4, 4)});
  CHECK(planned(singles, file(1, 1, 2)) == std::vector<TxRange>{range(3, 3), range(4, 4)});
  CHECK(planned(singles, file(1, 1, 4)).empty());
  CHECK(planned(singles, file(1, 1, 9)).empty());
  CHECK(planned(singles, {}, 3) == std::vector<TxRange>{range(1, 1), range(2, 2), range(3, 3)});
  CHECK(planned({singles[2], singles[0], singles[1]}) == std::vector<TxRange>{range(1, 1), range(2, 2), range(3, 3)});
  CHECK(planned({file(0, 7, 7), file(0, 8, 8)}) == std::vector<TxRange>{range(7, 7), range(8, 8)});
}

TEST_CASE("a hole ends the run, and directly behind the newest it is an error that names what is missing") {
  CHECK(planned({file(0, 1, 1), file(0, 2, 2), file(0, 4, 4)}) == std::vector<TxRange>{range(1, 1), range(2, 2)});
  auto one = plan_compaction({file(0, 2, 2), file(0, 7, 7)}, file(1, 1, 5));
  REQUIRE_FALSE(one);
  CHECK(one.error().code == Errc::corrupt);
  CHECK(one.error().message == "cannot compact: level 0 has no file for txid 0000000000000006");
  auto several = plan_compaction({file(3, 0x20, 0x21)}, file(4, 1, 5));
  REQUIRE_FALSE(several);
  CHECK(several.error().message.find("level 3") != std::string::npos);
  CHECK(several.error().message.find("0000000000000006-000000000000001f") != std::string::npos);
  CHECK_FALSE(several.error().hint.empty());
}

TEST_CASE("what others cover is left out of a compaction") {
  CHECK(planned({file(1, 1, 3), file(1, 1, 8), file(1, 2, 5), file(1, 9, 9)}) ==
        std::vector<TxRange>{range(1, 8), range(9, 9)});
  CHECK(planned({file(1, 3, 4), file(1, 2, 6), file(1, 5, 9)}, file(2, 1, 4)) == std::vector<TxRange>{range(5, 9)});
  CHECK(planned({file(1, 1, 1), file(1, 1, 4), file(1, 2, 6), file(1, 7, 7)}) ==
        std::vector<TxRange>{range(1, 4), range(2, 6), range(7, 7)});
}

TEST_CASE("a plan reaches as far as the files do, with the fewest of them") {
  const std::uint32_t number = seed();
  INFO("LITESTREAM_TEST_SEED=" << number);
  std::mt19937 random(number);
  const auto below = [&](std::uint64_t n) { return static_cast<std::uint64_t>(random() % n); };
  for (int round = 0; round < 3000; ++round) {
    std::vector<LtxFileInfo> files;
    for (std::uint64_t n = 1 + below(12); n > 0; --n) {
      const std::uint64_t min = 1 + below(20);
      files.push_back(file(0, min, min + below(5)));
    }
    const std::uint64_t newest = 1 + below(20);
    // Fewest files that end at each TXID, by trying everything.
    std::map<std::uint64_t, std::size_t> fewest{{newest, 0}};
    for (auto it = fewest.begin(); it != fewest.end(); ++it) {
      for (const auto& f : files) {
        const std::uint64_t end = f.range.max.value;
        if (f.range.min.value > it->first + 1 || end <= it->first) continue;
        const auto known = fewest.emplace(end, it->second + 1).first;
        known->second = std::min(known->second, it->second + 1);
      }
    }
    const bool hole = fewest.size() == 1 && std::any_of(files.begin(), files.end(),
                                                        [&](const auto& f) { return f.range.min.value > newest; });
    auto plan = plan_compaction(files, file(1, 1, newest));
    REQUIRE(plan.has_value() == !hole);
    if (hole) continue;
    std::uint64_t end = newest;
    for (const auto& f : *plan) {
      REQUIRE(f.range.min.value <= end + 1);
      REQUIRE(f.range.max.value > end);
      end = f.range.max.value;
    }
    REQUIRE(end == fewest.rbegin()->first);
    REQUIRE(plan->size() == fewest.rbegin()->second);
  }
}

namespace {

// A replica in memory with level-0 files made here, and what compaction needs.
struct Bench {
  TempDir directory;
  std::shared_ptr<Backend> backend = make_memory_backend();
  Replica replica{backend, "db"};
  std::vector<LtxFileInfo> inputs;
  std::string scratch = directory / "scratch";

  void add(const LtxHeader& made, const Pages& pages, ByteVector (*spoil)(ByteVector) = nullptr) {
    ByteVector bytes = encode(made, pages);
    if (spoil != nullptr) bytes = spoil(std::move(bytes));
    MemorySource body(bytes);
    auto written = replica.write(0, made.range, made.timestamp, body, kCall);
    REQUIRE(written);
    inputs.push_back(*written);
  }
  Result<engine::CompactionResult> compact(Level level = 1) {
    const auto open = [this](const LtxFileInfo& input) { return replica.open(input, kCall, engine::kCompactionBlock); };
    auto result = engine::compact(replica, level, inputs, open, scratch, kCall);
    if (fs::exists(scratch)) CHECK(names_in(scratch).empty());
    return result;
  }
  // Decodes, and so verifies, a file.
  std::pair<LtxHeader, Pages> decode(const LtxFileInfo& made) {
    auto reader = replica.open(made, kCall);
    REQUIRE(reader);
    auto decoder = LtxDecoder::begin(**reader);
    REQUIRE(decoder);
    Pages pages;
    for (;;) {
      auto page = decoder->next();
      REQUIRE(page);
      if (!*page) return {decoder->header(), pages};
      pages[(*page)->page] = ByteVector((*page)->image.begin(), (*page)->image.end());
    }
  }
  std::vector<LtxFileInfo> level1() {
    auto files = replica.list(1, TxId{}, kCall);
    REQUIRE(files);
    return *files;
  }
};

ByteVector flip_last(ByteVector bytes) {
  bytes.back() ^= std::byte{1};
  return bytes;
}

}  // namespace

TEST_CASE("compaction keeps the newest image of each page of the final size") {
  Bench bench;
  LtxHeader first = header(1, 1, 3, 512, 1000);
  first.wal_offset = 32;
  first.wal_size = 536;
  first.salts = {1, 2};
  bench.add(first, {{1, image(512, 1)}, {2, image(512, 2)}, {3, image(512, 3)}});
  bench.add(header(2, 2, 4, 512, 2000), {{2, image(512, 22)}, {4, image(512, 24)}});
  bench.add(header(3, 3, 3, 512, 3000), {{1, image(512, 31)}});
  auto done = bench.compact();
  REQUIRE(done);
  CHECK(done->inputs == 3);
  CHECK(done->file.level == 1);
  CHECK(done->file.range == range(1, 3));
  CHECK(done->file.created_at == Timestamp(3000ms));
  CHECK(bench.level1() == std::vector<LtxFileInfo>{done->file});
  const auto [made, pages] = bench.decode(done->file);
  CHECK(made.commit == 3);
  CHECK(made.timestamp == Timestamp(3000ms));
  CHECK(made.wal_offset == 0);
  CHECK(made.salts == Salts{});
  CHECK(pages == Pages{{1, image(512, 31)}, {2, image(512, 22)}, {3, image(512, 3)}});
}

TEST_CASE("hundreds of inputs make one file") {
  Bench bench;
  Pages expected;
  for (std::uint32_t txid = 5; txid < 305; ++txid) {
    const PageNo page = 1 + txid % 40;
    expected[page] = image(512, txid);
    bench.add(header(txid, txid, 40), {{page, image(512, txid)}});
  }
  auto done = bench.compact();
  REQUIRE(done);
  CHECK(done->inputs == 300);
  CHECK(done->file.range == range(5, 304));
  CHECK(bench.decode(done->file).second == expected);
}

TEST_CASE("inputs that add nothing are passed over, overlapping ones merged") {
  Bench bench;
  bench.add(header(2, 5, 2), {{1, image(512, 5)}});
  bench.add(header(3, 4, 2), {{1, image(512, 4)}, {2, image(512, 4)}});
  bench.add(header(4, 7, 2), {{2, image(512, 7)}});
  auto done = bench.compact();
  REQUIRE(done);
  CHECK(done->inputs == 3);
  CHECK(done->file.range == range(2, 7));
  CHECK(bench.decode(done->file).second == Pages{{1, image(512, 5)}, {2, image(512, 7)}});
}

TEST_CASE("a change of page size and a hole end the run") {
  Bench bench;
  bench.add(header(2, 2, 1), {{1, image(512, 2)}});
  bench.add(header(3, 3, 1), {{1, image(512, 3)}});
  if (GENERATE(false, true)) {
    bench.add(header(4, 4, 1, 1024), {{1, image(1024, 4)}});
  } else {
    bench.add(header(5, 5, 1), {{1, image(512, 5)}});
  }
  bench.add(header(6, 6, 1), {{1, image(512, 6)}});
  auto done = bench.compact();
  REQUIRE(done);
  CHECK(done->inputs == 2);
  CHECK(done->file.range == range(2, 3));

  bench.inputs.erase(bench.inputs.begin(), bench.inputs.begin() + 2);
  auto rest = bench.compact();
  REQUIRE(rest);
  CHECK(rest->file.range.min == bench.inputs[0].range.min);
}

TEST_CASE("damage in an input writes nothing") {
  Bench bench;
  bench.add(header(2, 2, 1), {{1, image(512, 2)}});
  SECTION("wrong checksum") { bench.add(header(3, 3, 1), {{1, image(512, 3)}}, flip_last); }
  SECTION("cut short") {
    bench.add(header(3, 3, 1), {{1, image(512, 3)}}, [](ByteVector bytes) {
      bytes.resize(bytes.size() - 20);
      return bytes;
    });
  }
  SECTION("another file under the name") {
    bench.add(header(3, 3, 1), {{1, image(512, 3)}},
              // NOLINTNEXTLINE(performance-unnecessary-value-param): a pointer of one type for all
              [](ByteVector) { return encode(header(9, 9, 1), {{1, image(512, 9)}}); });
  }
  auto done = bench.compact();
  REQUIRE_FALSE(done);
  CHECK(done.error().code == Errc::corrupt);
  CHECK(done.error().message.find("0000000000000003") != std::string::npos);
  CHECK(bench.level1().empty());
}

TEST_CASE("a snapshot that lacks a page is not made") {
  Bench bench;
  bench.add(header(1, 1, 2), {{1, image(512, 1)}, {2, image(512, 1)}});
  bench.add(header(2, 2, 4), {{4, image(512, 2)}});
  CHECK_FALSE(bench.compact());
  CHECK(bench.level1().empty());
}

TEST_CASE("compaction that cannot begin says so") {
  Bench bench;
  CHECK(bench.compact().error().code == Errc::invalid_argument);
  bench.add(header(2, 2, 1), {{1, image(512, 2)}});
  auto removed = bench.replica.remove(bench.inputs, kCall);
  REQUIRE(removed);
  CHECK(bench.compact().error().code == Errc::not_found);
  std::stop_source stop;
  stop.request_stop();
  const auto open = [&](const LtxFileInfo& input) { return bench.replica.open(input, kCall); };
  const Call call{.stop = stop.get_token(), .deadline = {}};
  CHECK(engine::compact(bench.replica, 1, bench.inputs, open, bench.scratch, call).error().code == Errc::cancelled);
}

TEST_CASE("the peer's level 0 compacts to the database it restores") {
  const std::string version =
      GENERATE("0.5.5-ps4096", "0.5.15-ps4096", "0.5.17-ps512", "0.5.17-ps4096", "0.5.17-ps65536");
  INFO(version);
  const fs::path golden = fs::path(GOLDEN_DIR) / version;
  Bench bench;
  bench.backend = make_file_backend({.root = bench.directory / "replica"});
  bench.replica = Replica(bench.backend, "db");
  fs::create_directories(bench.directory / "replica");
  fs::copy(golden / "replica", bench.directory / "replica/db", fs::copy_options::recursive);
  fs::remove_all(bench.directory / "replica/db/ltx/1");
  bench.inputs = *bench.replica.list(0, TxId{}, kCall);
  auto done = bench.compact();
  REQUIRE(done);
  const auto [made, pages] = bench.decode(done->file);
  ByteVector database;
  for (const auto& [page, bytes] : pages) database.insert(database.end(), bytes.begin(), bytes.end());
  CHECK(database == read_file(golden / "restored.db"));
}

TEST_CASE("level 0 goes when it is old and in level 1") {
  const std::vector<LtxFileInfo> level0{file(0, 1, 1, 50min), file(0, 2, 2, 40min), file(0, 3, 3, 30min),
                                        file(0, 4, 4, 4min), file(0, 5, 5, 1min)};
  const auto removed = [&](std::uint64_t level1, std::chrono::milliseconds keep) {
    return ranges(plan_l0_retention(level0, TxId{level1}, kNow, keep).remove);
  };
  CHECK(removed(5, 5min) == std::vector<TxRange>{range(1, 1), range(2, 2), range(3, 3)});
  CHECK(removed(2, 5min) == std::vector<TxRange>{range(1, 1), range(2, 2)});
  CHECK(removed(0, 5min).empty());
  CHECK(removed(5, 0min).empty());
  CHECK(removed(5, 1s).size() == 4);  // the newest stays
  CHECK(removed(5, 35min) == std::vector<TxRange>{range(1, 1), range(2, 2)});
  CHECK(removed(5, 30min).size() == 3);  // exactly as old as that
  CHECK(plan_l0_retention({}, TxId{5}, kNow, 5min).remove.empty());
  CHECK(plan_l0_retention({file(0, 1, 1, 99h)}, TxId{5}, kNow, 5min).remove.empty());
  // The first younger one ends it, even when the clock stepped and older ones follow.
  CHECK(ranges(plan_l0_retention({file(0, 1, 1, 9h), file(0, 2, 2, 1s), file(0, 3, 3, 9h), file(0, 4, 4, 9h)}, TxId{4},
                                 kNow, 5min)
                   .remove) == std::vector<TxRange>{range(1, 1)});
}

TEST_CASE("snapshots go when old, and with them what only they needed") {
  const std::vector<LtxFileInfo> snapshots{file(9, 1, 10, 72h), file(9, 1, 20, 48h), file(9, 1, 30, 12h),
                                           file(9, 1, 40)};
  const std::vector<std::vector<LtxFileInfo>> levels{
      {file(1, 1, 10), file(1, 11, 19), file(1, 20, 20), file(1, 21, 40)},
      {file(2, 1, 19), file(2, 20, 40)},
      {file(3, 1, 19)}};
  const auto plan = plan_snapshot_retention(snapshots, levels, kNow, 24h);
  const std::vector<LtxFileInfo> expected{snapshots[0], snapshots[1], levels[0][0], levels[0][1], levels[1][0]};
  CHECK(plan.remove == expected);  // floor 20; 20-20 touches it; level 3's newest stays

  CHECK(plan_snapshot_retention(snapshots, levels, kNow, 0h).remove.empty());
  CHECK(plan_snapshot_retention(snapshots, levels, kNow, 1000h).remove.empty());
  CHECK(plan_snapshot_retention({}, levels, kNow, 1h).remove.empty());
  // All are old: the newest stays, the floor is the one before.
  const auto all_old = plan_snapshot_retention({file(9, 1, 10, 72h), file(9, 1, 20, 48h)},
                                               {{file(1, 1, 9), file(1, 10, 20)}}, kNow, 24h);
  CHECK(ranges(all_old.remove) == std::vector<TxRange>{range(1, 10), range(1, 9)});
  // The first is kept: no floor.
  CHECK(plan_snapshot_retention({file(9, 1, 10, 1h)}, {{file(1, 1, 4), file(1, 5, 20)}}, kNow, 24h).remove.empty());
}

namespace {

// A replica that lives: captures, compacts, snapshots and forgets, in listings only.
struct Life {
  std::mt19937& random;
  std::vector<std::vector<LtxFileInfo>> levels{kSnapshotLevel + 1};
  Timestamp now = kNow;
  std::uint64_t txid = 0;

  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); }

  void add(Level level, std::uint64_t min, std::uint64_t max) {
    levels[static_cast<std::size_t>(level)].push_back(
        {.level = level, .range = range(min, max), .size = 200, .created_at = now});
  }
  void capture() { add(0, txid + 1, txid + 1), ++txid; }
  void snapshot() {
    if (txid != 0 && (levels[9].empty() || levels[9].back().range.max.value < txid)) add(9, 1, txid);
  }
  void compact(Level level) {
    auto& target = levels[static_cast<std::size_t>(level)];
    const auto newest = target.empty() ? std::nullopt : std::optional(target.back());
    const auto& source = levels[static_cast<std::size_t>(level - 1)];
    const std::size_t most = 1 + below(20);
    auto plan = plan_compaction(source, newest, most);
    if (!plan) {
      // Retention took files below a snapshot before they were compacted: as the engine does, go on behind the hole.
      REQUIRE(plan.error().code == Errc::corrupt);
      std::vector<LtxFileInfo> behind;
      for (const LtxFileInfo& f : source) {
        if (f.range.min > newest->range.max) behind.push_back(f);
      }
      plan = plan_compaction(behind, std::nullopt, most);
    }
    REQUIRE(plan);
    if (plan->empty()) return;
    add(level, plan->front().range.min.value, plan->back().range.max.value);
    target.back().created_at = plan->back().created_at;
  }
  std::vector<LtxFileInfo> retention() {
    const auto& level1 = levels[1];
    if (below(2) == 0) {
      return plan_l0_retention(levels[0], level1.empty() ? TxId{} : level1.back().range.max, now, 5min).remove;
    }
    return plan_snapshot_retention(levels[9], {levels.begin() + 1, levels.begin() + 9}, now, 2h).remove;
  }
  void remove(const LtxFileInfo& gone) { std::erase(levels[static_cast<std::size_t>(gone.level)], gone); }

  std::vector<LtxFileInfo> all() const {
    std::vector<LtxFileInfo> files;
    for (const auto& level : levels) files.insert(files.end(), level.begin(), level.end());
    return files;
  }
  // Each state from the oldest snapshot on that compaction made a boundary, and each that it has not come to yet.
  void check_restorable() const {
    const std::uint64_t oldest = levels[9].empty() ? 1 : levels[9].front().range.max.value;
    const std::uint64_t compacted = levels[1].empty() ? 0 : levels[1].back().range.max.value;
    for (const LtxFileInfo& f : all()) {
      const std::uint64_t end = f.range.max.value;
      if (end < oldest || (f.level == 0 && end <= compacted)) continue;
      INFO("level " << f.level << " txid " << end << " of " << txid << ", oldest snapshot " << oldest);
      auto plan = plan_restore(all(), {.txid = TxId{end}, .before = {}});
      REQUIRE(plan);
      REQUIRE(plan->max_txid() == TxId{end});
    }
    if (txid == 0) return;
    auto latest = plan_restore(all(), {});
    REQUIRE(latest);
    REQUIRE(latest->max_txid() == TxId{txid});
  }
};

}  // namespace

TEST_CASE("retention never takes what a restore needs, wherever it is cut short") {
  const std::uint32_t number = seed();
  INFO("LITESTREAM_TEST_SEED=" << number);
  std::mt19937 random(number);
  std::size_t removals = 0;
  for (int round = 0; round < 30; ++round) {
    Life life{.random = random};
    for (int step = 0; step < 150; ++step) {
      life.now += std::chrono::seconds(life.below(600));
      for (std::uint32_t n = life.below(4); n > 0; --n) life.capture();
      if (life.below(3) == 0) life.compact(1);
      if (life.below(8) == 0) life.compact(2);
      if (life.below(16) == 0) life.compact(3);
      if (life.below(20) == 0) life.snapshot();
      if (life.below(4) != 0) continue;
      auto plan = life.retention();
      if (life.below(4) == 0 && !plan.empty()) plan.resize(life.below(static_cast<std::uint32_t>(plan.size())));
      for (const auto& gone : plan) life.remove(gone);
      removals += plan.size();
      life.check_restorable();
    }
    life.check_restorable();
  }
  CHECK(removals > 100);
}

// Pages to their places: any order of files, any number of workers, and nothing accepted that is not whole.
#include <sys/stat.h>

#include <thread>

#include "restore/apply.hpp"
#include "restore/page_origins.hpp"
#include "restore_fixture.hpp"

using namespace restore_fixture;

namespace {

// What a database is after each transaction, and the files that would be made of it.
struct Model {
  static constexpr std::uint32_t kPageSize = 512;
  std::mt19937 random;
  std::vector<Pages> states{{}};   // by TXID; contents 1..commit
  std::vector<Pages> changes{{}};  // by TXID
  std::uint32_t next_content = 1;

  explicit Model(std::uint32_t from) : random(from) {}
  std::uint32_t pick(std::uint32_t low, std::uint32_t high) {
    return std::uniform_int_distribution<std::uint32_t>(low, high)(random);
  }
  std::uint32_t commit(std::uint64_t txid) const { return static_cast<std::uint32_t>(states[txid].size()); }

  void transaction() {
    Pages state = states.back(), changed;
    const auto size = static_cast<std::uint32_t>(state.size());
    const std::uint32_t target = pick(0, 2) == 0 ? pick(1, 1500) : std::max(size, 1U);
    while (state.size() > target) state.erase(std::prev(state.end()));
    auto set = [&](PageNo page) {
      state[page] = changed[page] = pick(0, 4) == 0 ? ByteVector(kPageSize) : image(kPageSize, next_content++);
    };
    for (PageNo page = size + 1; page <= target; ++page) set(page);
    for (auto n = pick(1, 40); n > 0; --n) {
      const PageNo first = pick(1, target);
      for (PageNo page = first; page <= std::min(target, first + pick(0, 20)); ++page) set(page);
    }
    states.push_back(std::move(state));
    changes.push_back(std::move(changed));
  }

  Pages merged(std::uint64_t min, std::uint64_t max) const {
    Pages all;
    for (auto txid = min; txid <= max; ++txid) {
      for (const auto& [page, bytes] : changes[txid]) all[page] = bytes;
    }
    all.erase(all.upper_bound(commit(max)), all.end());
    return all;
  }
  LtxFileInfo put(Fixture& fixture, Level level, std::uint64_t min, std::uint64_t max) {
    const auto made = header(min, max, commit(max), kPageSize);
    return fixture.put(level, made, level == kSnapshotLevel ? states[max] : merged(min, max));
  }
  ByteVector database(std::uint64_t txid) const {
    ByteVector all;
    for (const auto& [page, bytes] : states[txid]) all.insert(all.end(), bytes.begin(), bytes.end());
    return all;
  }
};

constexpr std::uint32_t kSmall = 512;

Pages pages(PageNo first, PageNo last, std::uint32_t content = 1) {
  Pages made;
  for (PageNo page = first; page <= last; ++page) made[page] = image(kSmall, content * 1000 + page);
  return made;
}

Result<RestoreOutcome> restore_latest(const Fixture& fixture) {
  return restore_database(fixture.replica, {}, fixture.options(), {});
}

void check_nothing_left(const Fixture& fixture) { CHECK(names_in(fixture.dir.path()).empty()); }

}  // namespace

TEST_CASE("page origins: the newest file keeps a page whatever the order of claims") {
  auto origins = restore::PageOrigins::create(kSmall, 300);
  REQUIRE(origins);
  CHECK(!origins->is_claimed(7));
  CHECK(origins->claim(7, 0));
  CHECK(origins->is_claimed(7));
  CHECK(origins->claim(7, 2));
  CHECK(!origins->claim(7, 1));
  CHECK(!origins->claim(7, 0));
  CHECK(origins->claim(7, 3));
  CHECK(origins->claim(300, 1));
  CHECK(!origins->claim(300, 0));
  const auto incomplete = origins->check_complete({300, 300, 300, 300});
  CHECK(error_of(incomplete) == "corrupt: page 1 is in no file of the restore plan (298 of 300 pages are missing)");
}

TEST_CASE("page origins: a page from before the database was shorter is not there") {
  auto origins = restore::PageOrigins::create(kSmall, 4);
  REQUIRE(origins);
  for (PageNo page = 1; page <= 4; ++page) CHECK(origins->claim(page, 0));
  CHECK(origins->check_complete({4, 4, 4}));
  CHECK(error_of(origins->check_complete({4, 2, 4})) ==
        "corrupt: page 3 is in no file of the restore plan (2 of 4 pages are missing)");
  CHECK(origins->claim(3, 2));
  CHECK(origins->claim(4, 2));
  CHECK(origins->check_complete({4, 2, 4}));
}

TEST_CASE("random histories restore to the model at every transaction that can be reached") {
  const auto start = seed();
  INFO("TEST_SEED=" << start);
  Model model(start);
  for (int round = 0; round < 12; ++round) {
    Fixture fixture;
    model.states.resize(1);
    model.changes.resize(1);
    const auto last = model.pick(2, 14);
    for (std::uint32_t txid = 1; txid <= last; ++txid) {
      model.transaction();
      if (model.pick(0, 3) != 0 || txid == 1) model.put(fixture, 0, txid, txid);
      if (model.pick(0, 4) == 0) model.put(fixture, kSnapshotLevel, 1, txid);
      for (Level level = 1; level <= 3; ++level) model.put(fixture, level, model.pick(1, txid), txid);
    }
    for (std::uint32_t txid = 1; txid <= last; ++txid) {
      INFO("round " << round << ", transaction " << txid << " of " << last);
      auto plan = plan_restore(fixture.replica, {.txid = TxId{txid}}, {});
      if (!plan) continue;
      auto options = fixture.options();
      options.parallelism = static_cast<int>(model.pick(0, 6));
      options.force = true;
      auto outcome = apply_restore(fixture.replica, *plan, options, {});
      REQUIRE(error_of(outcome) == "no error");
      CHECK(outcome->commit == model.commit(txid));
      REQUIRE(read_file(fixture.output) == model.database(txid));
    }
    CHECK(restore_latest(fixture).error().code == Errc::already_exists);
  }
}

TEST_CASE("a page that no file has is named") {
  Fixture fixture;
  fixture.put(0, header(1, 1, 4), pages(1, 4));
  fixture.put(0, header(2, 2, 9), pages(5, 6));
  const auto outcome = restore_latest(fixture);
  CHECK(error_of(outcome) == "corrupt: page 7 is in no file of the restore plan (3 of 9 pages are missing)");
  check_nothing_left(fixture);
}

TEST_CASE("what lay beyond the end of a shrunk database does not come back when it grows") {
  Fixture fixture;
  fixture.put(0, header(1, 1, 6), pages(1, 6));
  fixture.put(0, header(2, 2, 3), pages(1, 1, 2));
  fixture.put(0, header(3, 3, 6), pages(1, 1, 3));
  CHECK(error_of(restore_latest(fixture)) ==
        "corrupt: page 4 is in no file of the restore plan (3 of 6 pages are missing)");
  check_nothing_left(fixture);
}

TEST_CASE("pages beyond the final size are dropped") {
  Fixture fixture;
  fixture.put(0, header(1, 1, 700), pages(1, 700));
  fixture.put(0, header(2, 2, 3), pages(2, 2, 2));
  REQUIRE(restore_latest(fixture));
  auto expected = pages(1, 3);
  expected[2] = image(kSmall, 2002);
  ByteVector bytes;
  for (const auto& [page, content] : expected) bytes.insert(bytes.end(), content.begin(), content.end());
  CHECK(read_file(fixture.output) == bytes);
}

TEST_CASE("a zero page replaces what an older file wrote") {
  Fixture fixture;
  fixture.put(0, header(1, 1, 3), pages(1, 3));
  fixture.put(0, header(2, 2, 3), {{2, ByteVector(kSmall)}});
  auto options = fixture.options();
  options.parallelism = GENERATE(1, 2);
  REQUIRE(restore_database(fixture.replica, {}, options, {}));
  const auto restored = read_file(fixture.output);
  CHECK(ByteVector(restored.begin() + kSmall, restored.begin() + kSmall + kSmall) == ByteVector(kSmall));
}

TEST_CASE("files of different page sizes are refused") {
  Fixture fixture;
  fixture.put(0, header(1, 1, 2), pages(1, 2));
  fixture.put(0, header(2, 2, 2, 1024), {{1, image(1024, 5)}});
  const auto outcome = restore_latest(fixture);
  REQUIRE(!outcome);
  CHECK(outcome.error().code == Errc::corrupt);
  CHECK(contains(outcome.error().message, "restore level 0 file 0000000000000001-0000000000000001.ltx"));
  CHECK(contains(outcome.error().message, "page size 512 differs from the newest file's 1024"));
  check_nothing_left(fixture);
}

TEST_CASE("a newest file that leaves no pages, or more than there can be, is refused") {
  Fixture fixture;
  const auto made = header(1, 1, 2);
  auto bytes = encode(made, pages(1, 2));
  const auto commit = GENERATE(as<std::uint8_t>{}, 0, 255);
  for (std::size_t i = 12; i < 16; ++i) bytes[i] = std::byte{commit};
  add(fixture.replica, 0, made, bytes);
  const auto outcome = restore_latest(fixture);
  INFO(error_of(outcome));
  REQUIRE(!outcome);
  CHECK(outcome.error().code == Errc::corrupt);
  check_nothing_left(fixture);
}

TEST_CASE("plans that cannot be are refused before anything is fetched") {
  Fixture fixture;
  const auto one = fixture.put(0, header(1, 1, 2), pages(1, 2));
  const auto three = fixture.put(0, header(3, 3, 2), pages(1, 1));
  auto apply = [&](std::vector<LtxFileInfo> files) {
    return error_of(apply_restore(fixture.replica, {.files = std::move(files)}, fixture.options(), {}));
  };
  CHECK(apply({}) == "invalid_argument: restore plan is empty");
  CHECK(apply({one, three}) ==
        "invalid_argument: restore plan does not continue at 0000000000000003-0000000000000003.ltx");
  CHECK(apply({one, one}) ==
        "invalid_argument: restore plan does not continue at 0000000000000001-0000000000000001.ltx");
  auto stump = one;
  stump.size = 99;
  CHECK(apply({stump}) ==
        "corrupt: invalid ltx file: level=0 min=0000000000000001 max=0000000000000001 has size 99 bytes (minimum 100)");
  check_nothing_left(fixture);
}

TEST_CASE("a file system that is too small is told with both numbers before anything is made") {
  Fixture fixture;
  const auto made = header(1, 1, 2, 65536);
  auto bytes = encode(made, {{1, image(65536, 1)}, {2, image(65536, 2)}});
  for (std::size_t i = 12; i < 16; ++i) bytes[i] = std::byte{0x7f};  // 2'139'062'143 pages
  auto file = add(fixture.replica, 0, made, bytes);
  file.size = std::uint64_t{1} << 40;  // so that as many pages are possible
  auto options = fixture.options();
  options.output = fixture.dir / "new/folder/out.db";
  const auto outcome = apply_restore(fixture.replica, {.files = {file}}, options, {});
  REQUIRE(!outcome);
  CHECK(outcome.error().code == Errc::no_space);
  CHECK(contains(outcome.error().message, "restore needs 140185576603648 bytes but " + fixture.dir.path() + " has "));
  check_nothing_left(fixture);
}

TEST_CASE("no bit of any file can be turned unnoticed") {
  const auto* name = GENERATE("0.5.17-ps512", "0.5.5-ps4096");
  auto pristine = make_memory_backend();
  load_golden(*pristine, name);
  const Replica source(std::move(pristine), "");
  auto plan = plan_restore(source, {}, {});
  REQUIRE(plan);
  const auto expected = read_file(golden(name) / "restored.db");
  int refused = 0, tried = 0;
  for (std::size_t number = 0; number < plan->files.size(); ++number) {
    const auto& file = plan->files[number];
    const auto original = read_file(golden(name) / "replica" / source.key(file.level, file.range));
    // All of header, index and trailer, some of the pages.
    for (std::size_t at = 0; at < original.size(); at += at < 120 || at + 80 > original.size() ? 1 : 17) {
      Fixture fixture;
      load_golden(*fixture.backend, name);
      auto damaged = original;
      damaged[at] ^= static_cast<std::byte>(1U << (at % 8));
      MemorySource body(damaged);
      REQUIRE(fixture.backend->put(source.key(file.level, file.range), body, {}, {}));
      const auto outcome = apply_restore(fixture.replica, *plan, fixture.options(), {});
      INFO(name << " file " << number << " byte " << at << ": " << error_of(outcome));
      ++tried;
      // Two LZ4 blocks may say the same page; then the page, which is what the checksum is about, is right.
      if (outcome) {
        REQUIRE(read_file(fixture.output) == expected);
        continue;
      }
      ++refused;
      REQUIRE(outcome.error().code == Errc::corrupt);
      REQUIRE(names_in(fixture.dir.path()).empty());
    }
  }
  CHECK(refused > tried * 9 / 10);
}

TEST_CASE("no file can be shorter or longer than it was") {
  auto pristine = make_memory_backend();
  load_golden(*pristine, "0.5.17-ps512");
  const Replica source(std::move(pristine), "");
  auto plan = plan_restore(source, {}, {});
  REQUIRE(plan);
  auto file = plan->files.back();
  auto bytes = read_file(golden("0.5.17-ps512") / "replica" / source.key(file.level, file.range));
  bytes.resize(bytes.size() + 3);
  for (auto size = bytes.size(); size > 0; size = size > 150 ? size - 37 : size - 1) {
    if (size == file.size) continue;
    Fixture fixture;
    load_golden(*fixture.backend, "0.5.17-ps512");
    MemorySource body(Bytes(bytes).first(size));
    REQUIRE(fixture.backend->put(source.key(file.level, file.range), body, {}, {}));
    INFO("size " << size);
    // Once as the listing says, once as it said before.
    const auto listed = restore_latest(fixture);
    REQUIRE(error_of(listed).starts_with("corrupt: "));
    const auto surprised = apply_restore(fixture.replica, *plan, fixture.options(), {});
    REQUIRE(error_of(surprised).starts_with("corrupt: "));
    check_nothing_left(fixture);
  }
}

TEST_CASE("the lock page is a hole in a database beyond one gigabyte") {
  constexpr std::uint32_t kPageSize = 65536;
  constexpr PageNo kCommit = 16390;
  Fixture fixture;
  const auto made = header(1, 1, kCommit, kPageSize);
  MemorySink out;
  auto encoder = LtxEncoder::begin(out, made);
  REQUIRE(encoder);
  const ByteVector zero(kPageSize), before = image(kPageSize, 16384), behind = image(kPageSize, 16386);
  for (PageNo page = 1; page <= kCommit; ++page) {
    if (page == lock_page(kPageSize)) continue;
    const auto& bytes = page == 16384 ? before : page == 16386 ? behind : zero;
    if (auto added = encoder->add(page, bytes); !added) FAIL(added.error().message);
  }
  REQUIRE(encoder->finish());
  add(fixture.replica, 9, made, out.data());
  fixture.put(0, header(2, 2, kCommit, kPageSize), {{kCommit, image(kPageSize, 7)}});

  auto outcome = restore_latest(fixture);
  REQUIRE(error_of(outcome) == "no error");
  struct stat status{};
  REQUIRE(::stat(fixture.output.c_str(), &status) == 0);
  CHECK(status.st_size == std::int64_t{kCommit} * kPageSize);
  CHECK(status.st_blocks * 512 < 64 * std::int64_t{kPageSize});  // zeros take no space
  auto page_at = [&](PageNo page) {
    std::ifstream in(fixture.output, std::ios::binary);
    in.seekg(std::int64_t{page - 1} * kPageSize);
    ByteVector bytes(kPageSize);
    in.read(reinterpret_cast<char*>(bytes.data()), kPageSize);
    REQUIRE(in);
    return bytes;
  };
  CHECK(page_at(16384) == before);
  CHECK(page_at(16385) == zero);
  CHECK(page_at(16386) == behind);
  CHECK(page_at(kCommit) == image(kPageSize, 7));
}

TEST_CASE("progress counts every byte, in order, from one worker at a time") {
  Fixture fixture;
  load_golden(*fixture.backend, "0.5.17-ps4096");
  auto plan = plan_restore(fixture.replica, {}, {});
  REQUIRE(plan);
  auto options = fixture.options();
  std::atomic<int> inside = 0;
  RestoreProgress last;
  bool in_order = true;
  options.on_progress = [&](const RestoreProgress& now) {
    in_order = in_order && inside++ == 0 && now.bytes_done >= last.bytes_done && now.files_done >= last.files_done;
    last = now;
    --inside;
  };
  REQUIRE(apply_restore(fixture.replica, *plan, options, {}));
  std::uint64_t bytes = 0;
  for (const auto& file : plan->files) bytes += file.size;
  CHECK(in_order);
  CHECK(last.bytes_total == bytes);
  CHECK(last.bytes_done == bytes);
  CHECK(last.files_done == plan->files.size());
  CHECK(last.files_total == plan->files.size());
}

// Plans against the rules of the restore chapter and against a brute-force model of what can be reached (F37, F38).
#include <algorithm>
#include <cstdlib>
#include <random>
#include <set>

#include "replica/restore.hpp"
#include "support/catch.hpp"

using namespace replica;

namespace {

Timestamp at(std::int64_t ms) { return Timestamp{std::chrono::milliseconds{ms}}; }

LtxFileInfo file(Level level, std::uint64_t min, std::uint64_t max, std::int64_t created = 0) {
  return {.level = level, .range = {TxId{min}, TxId{max}}, .size = 200, .created_at = at(created)};
}

// "9:1-5 0:6-6"
std::string describe(const std::vector<LtxFileInfo>& files) {
  std::string text;
  for (const auto& f : files) {
    if (!text.empty()) text += ' ';
    text += std::to_string(f.level) + ":" + std::to_string(f.range.min.value) + "-" + std::to_string(f.range.max.value);
  }
  return text;
}

std::string planned(std::vector<LtxFileInfo> files, const RestoreTarget& target = {}) {
  auto plan = plan_restore(std::move(files), target);
  if (!plan) return std::string(name(plan.error().code)) + ": " + plan.error().message;
  return describe(plan->files);
}

constexpr const char* kNothing = "not_found: no matching backup files available";

}  // namespace

TEST_CASE("the latest state is the newest snapshot and the best files after it") {
  CHECK(planned({}) == kNothing);
  CHECK(planned({file(0, 1, 1)}) == "0:1-1");
  CHECK(planned({file(0, 1, 1), file(0, 2, 2), file(0, 3, 3)}) == "0:1-1 0:2-2 0:3-3");
  CHECK(planned({file(0, 3, 3), file(9, 1, 1), file(0, 1, 1), file(9, 1, 2), file(0, 2, 2)}) == "9:1-2 0:3-3");
  // Larger max first, then smaller min, then higher level, then older.
  CHECK(planned({file(9, 1, 1), file(1, 2, 5), file(0, 2, 2), file(2, 2, 4)}) == "9:1-1 1:2-5");
  CHECK(planned({file(9, 1, 3), file(1, 3, 5), file(1, 2, 5), file(0, 4, 5)}) == "9:1-3 1:2-5");
  CHECK(planned({file(9, 1, 1), file(1, 2, 5), file(3, 2, 5)}) == "9:1-1 3:2-5");
  auto twins = plan_restore({file(9, 1, 1), file(1, 2, 5, 20), file(1, 2, 5, 10)}, {});
  REQUIRE(twins);
  CHECK(twins->files.back().created_at == at(10));
}

TEST_CASE("levels above the configured ones are read") {
  CHECK(planned({file(9, 1, 2), file(8, 3, 7), file(5, 8, 9)}) == "9:1-2 8:3-7 5:8-9");
}

TEST_CASE("a snapshot that a later file covers is not fetched") {
  CHECK(planned({file(9, 1, 1), file(1, 1, 4), file(0, 5, 5)}) == "1:1-4 0:5-5");
}

TEST_CASE("without a snapshot the chain begins at the first transaction") {
  CHECK(planned({file(1, 1, 4), file(0, 5, 5)}) == "1:1-4 0:5-5");
  CHECK(planned({file(0, 2, 2)}) ==
        "corrupt: cannot calc restore plan: non-contiguous ltx files: have up to 0000000000000000 but next file starts "
        "at "
        "0000000000000002");
}

TEST_CASE("a hole before the latest state is an error that names both sides") {
  CHECK(planned({file(9, 1, 9), file(0, 10, 10), file(0, 18, 18), file(1, 17, 17)}) ==
        "corrupt: cannot calc restore plan: non-contiguous ltx files: have up to 000000000000000a but next file starts "
        "at "
        "0000000000000011");
  const auto plan = plan_restore({file(9, 1, 9), file(0, 11, 11)}, {});
  REQUIRE(!plan);
  CHECK(plan.error().hint == "transaction 0000000000000009 is the last that can be restored");
}

TEST_CASE("a transaction is reached exactly or not at all") {
  const std::vector<LtxFileInfo> files = {file(9, 1, 2), file(9, 1, 6), file(1, 3, 5),
                                          file(0, 6, 6), file(0, 7, 7), file(1, 8, 12)};
  CHECK(planned(files, {.txid = TxId{2}}) == "9:1-2");
  CHECK(planned(files, {.txid = TxId{5}}) == "9:1-2 1:3-5");
  CHECK(planned(files, {.txid = TxId{6}}) == "9:1-6");
  CHECK(planned(files, {.txid = TxId{7}}) == "9:1-6 0:7-7");
  for (const std::uint64_t unreachable : {0U, 1U, 3U, 4U, 8U, 11U, 13U}) {
    INFO(unreachable);
    CHECK(planned(files, {.txid = TxId{unreachable}}) == kNothing);
  }
  const auto plan = plan_restore(files, {.txid = TxId{4}});
  REQUIRE(!plan);
  CHECK(plan.error().hint == "the nearest transaction before it is 0000000000000002");
}

TEST_CASE("a hole behind the wanted transaction does not matter") {
  CHECK(planned({file(9, 1, 2), file(0, 3, 3), file(0, 9, 9)}, {.txid = TxId{3}}) == "9:1-2 0:3-3");
}

TEST_CASE("a time takes only files created strictly before it") {
  const std::vector<LtxFileInfo> files = {file(9, 1, 1, 100), file(9, 1, 4, 400), file(0, 2, 2, 200),
                                          file(0, 3, 3, 300), file(0, 4, 4, 400), file(0, 5, 5, 500)};
  CHECK(planned(files, {.before = at(100)}) == kNothing);
  CHECK(planned(files, {.before = at(101)}) == "9:1-1");
  CHECK(planned(files, {.before = at(300)}) == "9:1-1 0:2-2");
  CHECK(planned(files, {.before = at(301)}) == "9:1-1 0:2-2 0:3-3");
  CHECK(planned(files, {.before = at(450)}) == "9:1-4");
  CHECK(planned(files, {.before = at(9999)}) == "9:1-4 0:5-5");
}

TEST_CASE("for a time, a stretch that exists only in a newer file is no hole, a lost one is") {
  // Transactions 2…4 were merged at 400 and the small files pruned.
  const std::vector<LtxFileInfo> merged = {file(9, 1, 1, 100), file(1, 2, 4, 400), file(0, 3, 3, 300)};
  CHECK(planned(merged, {.before = at(350)}) == "9:1-1");
  CHECK(planned({file(9, 1, 1, 100), file(0, 3, 3, 300)}, {.before = at(350)}) ==
        "corrupt: cannot calc restore plan: non-contiguous ltx files: have up to 0000000000000001 but next file starts "
        "at "
        "0000000000000003");
}

TEST_CASE("a transaction and a time at once are refused") {
  CHECK(planned({file(0, 1, 1)}, {.txid = TxId{1}, .before = at(1)}) ==
        "invalid_argument: cannot specify index & timestamp to restore");
}

TEST_CASE("impossible ranges are passed over and extreme ids do not overflow") {
  const std::uint64_t top = ~std::uint64_t{0};
  CHECK(planned({file(0, 0, 7), file(0, 5, 2), file(0, 1, 1)}) == "0:1-1");
  CHECK(planned({file(9, 1, top), file(0, 1, 1)}) == "9:1-18446744073709551615");
  CHECK(planned({file(1, 1, top - 1), file(0, top, top)}, {.txid = TxId{top}}) ==
        "1:1-18446744073709551614 0:18446744073709551615-18446744073709551615");
}

namespace {

struct Model {
  std::uint64_t farthest = 0;
  std::set<std::uint64_t> reachable{0};
};

// Every end any sequence of files can reach, by trying all of them until nothing changes.
Model brute_force(const std::vector<LtxFileInfo>& files) {
  Model model;
  for (bool grown = true; grown;) {
    grown = false;
    for (const auto& f : files) {
      for (const auto from : std::set<std::uint64_t>(model.reachable)) {
        if (f.range.min.value <= from + 1 && f.range.max.value > from) {
          grown |= model.reachable.insert(f.range.max.value).second;
        }
      }
    }
  }
  model.farthest = *model.reachable.rbegin();
  return model;
}

std::vector<LtxFileInfo> random_files(std::mt19937_64& random) {
  auto pick = [&](std::uint64_t low, std::uint64_t high) {
    return std::uniform_int_distribution<std::uint64_t>(low, high)(random);
  };
  std::vector<LtxFileInfo> files;
  const auto span = pick(1, 24);
  for (auto n = pick(0, 14); n > 0; --n) {
    const auto level = static_cast<Level>(pick(0, 9));
    const auto min = level == kSnapshotLevel || pick(0, 5) == 0 ? 1 : pick(1, span);
    files.push_back(
        file(level, min, pick(min, std::min(span, min + pick(0, 8))), static_cast<std::int64_t>(pick(1, 60))));
    if (pick(0, 7) == 0) files.push_back(files[pick(0, files.size() - 1)]);
  }
  std::shuffle(files.begin(), files.end(), random);
  return files;
}

std::vector<LtxFileInfo> only(const std::vector<LtxFileInfo>& files, const RestoreTarget& target) {
  std::vector<LtxFileInfo> some;
  for (const auto& f : files) {
    if (target.txid && f.range.max > *target.txid) continue;
    if (target.before && f.created_at >= *target.before) continue;
    some.push_back(f);
  }
  return some;
}

// A chain from 1 in which each file is one of those given, adds something, and can not be left out.
void check_sound(const RestorePlan& plan, const std::vector<LtxFileInfo>& usable) {
  std::uint64_t reached = 0, before_last = 0;
  for (std::size_t i = 0; i < plan.files.size(); ++i) {
    const auto& f = plan.files[i];
    CHECK(std::find(usable.begin(), usable.end(), f) != usable.end());
    CHECK(f.range.min.value <= reached + 1);
    CHECK(f.range.max.value > reached);
    if (i > 0) CHECK(f.range.min.value > before_last + 1);
    before_last = std::exchange(reached, f.range.max.value);
  }
}

std::uint64_t first_beyond(const std::vector<LtxFileInfo>& files, std::uint64_t reached) {
  std::uint64_t first = 0;
  for (const auto& f : files) {
    if (f.range.min.value > reached + 1 && (first == 0 || f.range.min.value < first)) first = f.range.min.value;
  }
  return first;
}

void check_against_model(const std::vector<LtxFileInfo>& files, const RestoreTarget& target) {
  const auto usable = only(files, target);
  const auto model = brute_force(usable);
  const auto plan = plan_restore(files, target);
  const auto beyond = first_beyond(usable, model.farthest);
  // A time may be stopped by a stretch that only newer files have; that is no hole.
  auto bridged = [&] {
    return std::any_of(files.begin(), files.end(), [&](const LtxFileInfo& f) {
      return f.range.min.value <= model.farthest + 1 && f.range.max.value > model.farthest;
    });
  };
  if (!target.txid && beyond != 0 && !bridged()) {
    REQUIRE(!plan);
    CHECK(plan.error().code == Errc::corrupt);
    CHECK(plan.error().message == "cannot calc restore plan: non-contiguous ltx files: have up to " +
                                      TxId{model.farthest}.text() + " but next file starts at " + TxId{beyond}.text());
    return;
  }
  const bool possible = target.txid ? model.reachable.contains(target.txid->value) : model.farthest != 0;
  REQUIRE(plan.has_value() == possible);
  if (!possible) {
    CHECK(plan.error().code == Errc::not_found);
    return;
  }
  CHECK(plan->max_txid().value == (target.txid ? target.txid->value : model.farthest));
  check_sound(*plan, usable);
}

std::uint64_t seed() {
  const char* given = std::getenv("TEST_SEED");
  return given ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

}  // namespace

TEST_CASE("random sets of files: every plan equals brute force") {
  const auto start = seed();
  INFO("TEST_SEED=" << start);
  std::mt19937_64 random(start);
  for (int round = 0; round < 4000; ++round) {
    const auto files = random_files(random);
    INFO("round " << round << ": " << describe(files));
    check_against_model(files, {});
    for (std::uint64_t txid = 1; txid <= 26; ++txid) check_against_model(files, {.txid = TxId{txid}});
    for (const std::int64_t before : {1, 15, 30, 45, 61}) check_against_model(files, {.before = at(before)});
  }
}

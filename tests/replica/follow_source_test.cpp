// Where a follower finds what comes next: what an idle poll costs, gaps, damaged files, histories that start over.
#include "follow_fixture.hpp"
#include "restore/continuation.hpp"

using namespace follow_fixture;

namespace {

LtxFileInfo named(Level level, std::uint64_t min, std::uint64_t max) {
  return {.level = level, .range = {{min}, {max}}, .size = 1000};
}

std::vector<std::string> chain(std::vector<LtxFileInfo> files, std::uint64_t reached) {
  std::vector<std::string> names;
  for (const auto& file : restore::continuation(std::move(files), TxId{reached}))
    names.push_back(std::to_string(file.level) + ":" + std::to_string(file.range.min.value) + "-" +
                    std::to_string(file.range.max.value));
  return names;
}

}  // namespace

TEST_CASE("the way on takes the longest steps, also those that begin before the position") {
  using Names = std::vector<std::string>;
  CHECK(chain({named(0, 6, 6), named(0, 7, 7), named(0, 5, 5)}, 5) == Names{"0:6-6", "0:7-7"});
  CHECK(chain({named(0, 6, 6), named(0, 7, 7), named(1, 3, 6)}, 4) == Names{"1:3-6", "0:7-7"});
  CHECK(chain({named(1, 1, 4), named(2, 1, 9)}, 4) == Names{"2:1-9"});
  CHECK(chain({named(0, 7, 7)}, 5).empty());
  CHECK(chain({named(0, 5, 5), named(2, 1, 4)}, 5).empty());
  CHECK(chain({}, 5).empty());
}

TEST_CASE("an idle poll is one listing that begins at the position; all levels are looked at now and then") {
  Following fixture;
  fixture.upload_new();
  auto follower = fixture.follow();
  fixture.calls.clear();
  for (int i = 0; i < 5; ++i) CHECK(apply(follower).to == fixture.at(1));
  CHECK(fixture.calls == std::vector<std::string>(5, "list ltx/0/"));
  fixture.calls.clear();
  fixture.clock.time += std::chrono::seconds(31);
  apply(follower);
  CHECK(fixture.calls.size() == 10);
  apply(follower);
  CHECK(fixture.calls.size() == 11);

  fixture.calls.clear();
  fixture.primary.add(1);
  fixture.upload_new();
  fixture.calls.clear();
  apply(follower);
  CHECK(fixture.calls == std::vector<std::string>{"list ltx/0/", "get ltx/0/0000000000000002-0000000000000002.ltx"});
}

TEST_CASE("what was merged and removed meanwhile is taken from the level above, wherever it begins") {
  Following fixture;
  fixture.primary.live();
  fixture.upload_new();
  const auto parked = GENERATE(2U, 3U, 4U);
  // Parked at 2, 3 or 4 of a chain whose level 0 has gone up to 6 since.
  for (std::uint64_t txid = parked + 1; txid <= fixture.primary.last(); ++txid) fixture.forget(0, txid, txid);
  auto follower = fixture.follow();
  REQUIRE(follower.position() == TxId{parked});
  for (std::uint64_t txid = 7; txid <= fixture.primary.last(); ++txid) fixture.upload(0, txid, txid);
  for (std::uint64_t txid = 1; txid <= parked; ++txid) fixture.forget(0, txid, txid);
  fixture.upload(1, 3, 6);
  fixture.upload(9, 1, 4);
  const auto step = apply(follower);
  CHECK(step.reseed == Reseed::none);
  CHECK(step.to == TxId{fixture.primary.last()});
  fixture.check_state(fixture.primary.last());
}

TEST_CASE("what was merged while level 0 is empty is found after a while") {
  Following fixture;
  fixture.upload_new();
  auto follower = fixture.follow();
  fixture.primary.live();
  fixture.upload(1, 2, fixture.primary.last());
  fixture.forget(0, 1, 1);
  CHECK(apply(follower).to == fixture.at(1));
  fixture.clock.time += std::chrono::seconds(31);
  CHECK(apply(follower).to == TxId{fixture.primary.last()});
  fixture.check_state(fixture.primary.last());
}

TEST_CASE("when the way on is gone the database is made anew in place, under its readers") {
  Following fixture;
  fixture.upload_new();
  auto follower = fixture.follow();
  Sql reader(fixture.output);
  CHECK(reader.ask("SELECT n FROM total") == "0");
  fixture.primary.live();
  const auto last = fixture.primary.last();
  fixture.forget(0, 1, 1);
  fixture.upload(9, 1, last - 1);
  fixture.upload(0, last, last);
  auto step = apply(follower);
  CHECK(step.to == fixture.at(1));  // one listing is not believed
  step = apply(follower);
  CHECK(step.reseed == Reseed::gap);
  CHECK(step.to == TxId{last});
  fixture.check_state(last);
  CHECK(reader.ask(kAgree) == "1");
  CHECK(reader.ask("SELECT y FROM extra") == "here");
  fixture.check_nothing_left();
  fixture.primary.add(1);
  fixture.upload(0, last + 1, last + 1);
  CHECK(apply(follower).reseed == Reseed::none);
  fixture.check_state(last + 1);
}

TEST_CASE("a gap without anything to make the database of is an error every time") {
  Following fixture;
  fixture.upload_new();
  auto follower = fixture.follow();
  fixture.primary.live();
  fixture.upload(0, 5, 5);
  fixture.forget(0, 1, 1);
  apply(follower);
  for (int i = 0; i < 3; ++i) {
    CHECK(contains(error_of(follower.apply_new({})), "cannot calc restore plan: non-contiguous ltx files"));
    fixture.clock.time += std::chrono::seconds(1);
  }
  fixture.check_state(1);
  for (std::uint64_t txid = 2; txid <= fixture.primary.last(); ++txid) fixture.upload(0, txid, txid);
  CHECK(apply(follower).to == TxId{fixture.primary.last()});
}

TEST_CASE("an empty or unreachable replica moves nothing") {
  Following fixture;
  fixture.upload_new();
  auto follower = fixture.follow();
  fixture.fault = [](std::string_view, std::string_view) { return Fault{{Errc::unavailable, "the store is away"}}; };
  CHECK(contains(error_of(follower.apply_new({})), "the store is away"));
  fixture.fault = {};
  apply(follower);
  fixture.forget(0, 1, 1);
  CHECK(apply(follower).to == fixture.at(1));  // one listing is not believed
  CHECK(error_of(follower.apply_new({})) == "not_found: no matching backup files available");
  fixture.check_state(1);
}

TEST_CASE("a replica that was started over is followed from its new beginning") {
  Following fixture;
  fixture.primary.live();
  fixture.upload_new();
  const auto last = fixture.primary.last();
  auto follower = fixture.follow();
  for (std::uint64_t txid = 1; txid <= last; ++txid) fixture.forget(0, txid, txid);
  SECTION("it has not come as far yet") {
    fixture.upload(0, 1, 1);
    fixture.upload(0, 2, 2);
    fixture.clock.time += std::chrono::minutes(1);
    CHECK(apply(follower).to == TxId{last});
    const auto step = apply(follower);
    CHECK(step.reseed == Reseed::rewritten);
    CHECK(step.to == fixture.at(2));
    fixture.check_state(2);
    fixture.upload(0, 3, 3);
    CHECK(apply(follower).to == fixture.at(3));
    fixture.check_state(3);
  }
  SECTION("it has another transaction of the same number") {
    fixture.primary.states.erase(fixture.primary.states.begin() + 3);
    fixture.primary.add(1);
    fixture.primary.add(1);
    for (std::uint64_t txid = 1; txid < last; ++txid) fixture.upload(0, txid, txid);
    auto [made, pages] = fixture.primary.file(last, last);
    made.timestamp += std::chrono::hours(1);
    fixture.put(0, made, pages);
    fixture.upload(0, last + 1, last + 1);
    const auto step = apply(follower);
    CHECK(step.reseed == Reseed::rewritten);
    CHECK(step.to == TxId{last + 1});
    fixture.check_state(last + 1);
  }
}

TEST_CASE("a file that was uploaded twice is no other history") {
  Following fixture;
  fixture.upload_new();
  auto follower = fixture.follow();
  fixture.primary.add(1);
  fixture.upload_new();
  apply(follower);
  const auto [made, pages] = fixture.primary.file(2, 2);
  const auto bytes = encode(made, pages);
  MemorySource body(bytes);
  REQUIRE(fixture.replica.write(0, made.range, made.timestamp + std::chrono::seconds(5), body, {}));
  fixture.primary.add(1);
  fixture.upload(0, 3, 3);
  CHECK(apply(follower).reseed == Reseed::none);
  fixture.check_state(3);
}

TEST_CASE("a damaged file is passed by when there is another way, and tried again when there is none") {
  Following fixture;
  fixture.upload_new();
  auto follower = fixture.follow();
  fixture.primary.live();
  fixture.upload_new();
  const auto last = fixture.primary.last();
  auto [made, pages] = fixture.primary.file(4, 4);
  auto bytes = encode(made, pages);
  bytes[bytes.size() / 2] ^= std::byte{1};
  add(fixture.replica, 0, made, bytes);
  const auto first = follower.apply_new({});
  CHECK(contains(error_of(first), "corrupt: level 0 file 0000000000000004-0000000000000004.ltx: "));
  fixture.check_state(1);
  SECTION("merged files") {
    fixture.upload(1, 2, 5);
    CHECK(apply(follower).reseed == Reseed::none);
  }
  SECTION("a snapshot") {
    fixture.upload(9, 1, 6);
    apply(follower);  // up to what is damaged
    fixture.check_state(3);
    for (int i = 0; i < 3 && follower.position() < TxId{last}; ++i) static_cast<void>(follower.apply_new({}));
  }
  SECTION("it is there after all") {
    for (int i = 0; i < 2; ++i) static_cast<void>(follower.apply_new({}));
    fixture.check_state(3);
    fixture.upload(0, 4, 4);
    for (int i = 0; i < 3 && follower.position() < TxId{last}; ++i) static_cast<void>(follower.apply_new({}));
  }
  CHECK(follower.position() == TxId{last});
  fixture.check_state(last);
}

TEST_CASE("a file that goes away between listing and reading is no end") {
  Following fixture;
  fixture.upload_new();
  auto follower = fixture.follow();
  fixture.primary.live();
  fixture.upload_new();
  fixture.upload(1, 2, 4);
  fixture.fault = [](std::string_view operation, std::string_view key) -> std::optional<Fault> {
    if (operation == "get" && key.find("/0000000000000003-") != std::string_view::npos)
      return Fault{{Errc::not_found, "gone"}};
    return {};
  };
  CHECK(error_of(follower.apply_new({})).starts_with("not_found: level 0 file 0000000000000003-"));
  CHECK(apply(follower).to == TxId{fixture.primary.last()});
  fixture.check_state(fixture.primary.last());
}

TEST_CASE("a page that shrinking dropped and no later file has is damage, not an old image") {
  Following fixture;
  fixture.primary.add(20);
  fixture.upload_new();
  auto follower = fixture.follow();
  const auto pages = fixture.primary.pages_at(2);
  auto [made, changed] = fixture.primary.file(2, 2);
  changed.clear();
  for (const auto& [txid, commit] : {std::pair<std::uint64_t, PageNo>{3, pages - 3}, {4, pages}}) {
    changed[1] = image(512, static_cast<std::uint32_t>(txid));
    fixture.put(0, header(txid, txid, commit), changed);
    changed[pages] = image(512, 7);  // but neither of the two before it
  }
  CHECK(error_of(follower.apply_new({})) ==
        "corrupt: page " + std::to_string(pages - 2) + " is in no file of those that make it");
  fixture.check_state(2);
}

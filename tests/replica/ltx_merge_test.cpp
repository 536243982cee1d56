// Merging adjacent LTX files: docs/ltx-format.md §8.
#include <cstdlib>
#include <filesystem>

#include "replica/ltx.hpp"
#include "support/catch.hpp"
#include "support/ltx_forge.hpp"

using namespace replica;
using namespace support;

namespace {

std::uint32_t seed() {
  if (const char* text = std::getenv("TEST_SEED")) return static_cast<std::uint32_t>(std::stoul(text));
  return std::random_device{}();
}

Result<ByteVector> merge(const std::vector<ByteVector>& files, const Call& call = {}) {
  std::vector<std::unique_ptr<MemorySource>> sources;
  std::vector<LtxDecoder> inputs;
  for (const ByteVector& file : files) {
    sources.push_back(std::make_unique<MemorySource>(file));
    auto decoder = LtxDecoder::begin(*sources.back());
    if (!decoder) return pass(decoder);
    inputs.push_back(std::move(*decoder));
  }
  MemorySink out;
  auto header = merge_ltx(inputs, out, call);
  if (!header) return pass(header);
  return out.take();
}

// Bytes of the database after a snapshot.
ByteVector materialise(const LtxFile& file) {
  ByteVector database;
  REQUIRE(file.header.is_snapshot());
  REQUIRE(file.pages.size() == file.header.commit);
  for (const auto& [page, image] : file.pages) database.insert(database.end(), image.begin(), image.end());
  return database;
}

ByteVector page_of(std::uint8_t fill, std::size_t size = 512) { return ByteVector(size, std::byte{fill}); }

ByteVector made(std::uint64_t min, std::uint64_t max, std::uint32_t commit, const Pages& pages) {
  auto bytes = encode(ltx_header(min, max, commit), pages);
  REQUIRE(bytes);
  return std::move(*bytes);
}

LtxFile merged(const std::vector<ByteVector>& files) {
  auto bytes = merge(files);
  if (!bytes) FAIL(bytes.error().message);
  auto file = decode(*bytes);
  if (!file) FAIL(file.error().message);
  return std::move(*file);
}

std::string refusal(const std::vector<ByteVector>& files) {
  auto bytes = merge(files);
  return bytes ? "accepted" : bytes.error().message;
}

}  // namespace

TEST_CASE("merging a golden replica gives the database the peer restored") {
  const std::string name =
      GENERATE(as<std::string>(), "0.5.5-ps4096", "0.5.15-ps4096", "0.5.17-ps512", "0.5.17-ps4096", "0.5.17-ps65536");
  const bool only_level_0 = GENERATE(false, true);
  INFO(name << (only_level_0 ? " level 0" : " all levels"));
  const std::string root = std::string(GOLDEN_DIR) + "/" + name;
  std::vector<std::pair<TxRange, std::string>> listing;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root + "/replica/ltx")) {
    const auto range = parse_ltx_file_name(entry.path().filename().string());
    const bool level_0 = entry.path().parent_path().filename() == "0";
    if (range && (level_0 || !only_level_0)) listing.emplace_back(*range, entry.path().string());
  }
  // Always the file that reaches furthest: the newest snapshot first, then what follows it.
  std::vector<ByteVector> chain;
  for (TxId reached; true;) {
    const std::pair<TxRange, std::string>* best = nullptr;
    for (const auto& file : listing) {
      if (file.first.min > reached.next() || file.first.max <= reached) continue;
      if (best == nullptr || file.first.max > best->first.max) best = &file;
    }
    if (best == nullptr) break;
    chain.push_back(read_file(best->second));
    reached = best->first.max;
  }
  REQUIRE(chain.size() >= (only_level_0 ? 6U : 1U));
  CHECK(materialise(merged(chain)) == read_file(root + "/restored.db"));
}

TEST_CASE("the newest image of a page wins, and the header is of first and last") {
  LtxHeader last_header = ltx_header(3, 4, 4);
  last_header.timestamp += std::chrono::hours(1);
  last_header.wal_offset = 32;
  last_header.wal_size = 536;
  last_header.salts = {1, 2};
  auto last = encode(last_header, {{2, page_of(21)}, {4, page_of(41)}});
  REQUIRE(last);
  const LtxFile file = merged({made(1, 2, 3, {{1, page_of(1)}, {2, page_of(2)}, {3, page_of(3)}}), *last});
  CHECK(file.pages == Pages{{1, page_of(1)}, {2, page_of(21)}, {3, page_of(3)}, {4, page_of(41)}});
  CHECK(file.header.range == TxRange{{1}, {4}});
  CHECK(file.header.commit == 4);
  CHECK(file.header.timestamp == last_header.timestamp);
  CHECK(file.header.flags == kLtxNoChecksum);
  CHECK(file.header.wal_offset == 0);
  CHECK(file.header.wal_size == 0);
  CHECK(file.header.salts == Salts{});
}

TEST_CASE("pages beyond the final size are dropped") {
  const LtxFile file = merged({made(2, 2, 9, {{1, page_of(1)}, {8, page_of(8)}, {9, page_of(9)}}),
                               made(3, 3, 7, {{2, page_of(2)}}), made(4, 4, 8, {{3, page_of(3)}})});
  CHECK(file.pages == Pages{{1, page_of(1)}, {2, page_of(2)}, {3, page_of(3)}, {8, page_of(8)}});
  CHECK(file.header.commit == 8);
}

TEST_CASE("blocks are copied as they are, older frames become blocks") {
  std::mt19937 random(7);
  const ByteVector image = random_page(random, 512);
  ByteVector stored(2);  // a block no encoder of ours makes: literals only, with the length in two bytes
  stored[0] = std::byte{0xf0};
  for (std::size_t left = 512 - 15; true; left -= 255) {
    stored.back() = static_cast<std::byte>(std::min<std::size_t>(left, 255));
    if (left < 255) break;
    stored.emplace_back();
  }
  stored.insert(stored.end(), image.begin(), image.end());
  LtxForge first(ltx_header(2, 2, 5)), second(ltx_header(3, 3, 5));
  first.raw(1, 1, stored, image).frame(3, page_of(3));
  second.block(2, page_of(2)).frame(5, page_of(5));
  auto bytes = merge({first.finish(), second.finish()});
  REQUIRE(bytes);
  CHECK(std::search(bytes->begin(), bytes->end(), stored.begin(), stored.end()) != bytes->end());
  auto file = decode(*bytes);
  REQUIRE(file);
  CHECK(file->pages == Pages{{1, image}, {2, page_of(2)}, {3, page_of(3)}, {5, page_of(5)}});
  CHECK_FALSE(file->any_frame);
}

TEST_CASE("overlapping files are merged, files with a hole between them are not") {
  const auto file = [](std::uint64_t min, std::uint64_t max) { return made(min, max, 2, {{2, page_of(2)}}); };
  CHECK(refusal({file(2, 4), file(3, 5)}) == "accepted");
  CHECK(refusal({file(2, 4), file(2, 5)}) == "accepted");
  CHECK(refusal({file(2, 4), file(5, 5)}) == "accepted");
  CHECK(refusal({file(2, 4)}) == "accepted");
  CHECK(refusal({}) == "nothing to merge");
  CHECK(refusal({file(2, 4), file(6, 6)}) ==
        "non-contiguous transaction ids in input files: (0000000000000002,0000000000000004) -> "
        "(0000000000000006,0000000000000006)");
  CHECK(refusal({file(2, 4), file(3, 4)}) != "accepted");
  CHECK(refusal({file(5, 5), file(2, 4)}) != "accepted");
  CHECK(refusal({file(2, ~0ULL), file(3, 4)}) != "accepted");
  auto larger = encode(ltx_header(3, 3, 2, 1024), {{2, page_of(2, 1024)}});
  REQUIRE(larger);
  CHECK(refusal({file(2, 2), *larger}) == "input files have mismatched page sizes: 512 != 1024");
}

TEST_CASE("a snapshot that misses a page cannot come out of a merge") {
  const ByteVector start = made(1, 1, 2, {{1, page_of(1)}, {2, page_of(2)}});
  CHECK(refusal({start, made(2, 2, 4, {{4, page_of(4)}})}) ==
        "nonsequential page numbers in snapshot transaction: 2,4");
  CHECK(refusal({start, made(2, 2, 4, {{3, page_of(3)}})}) == "snapshot is incomplete: page 4 of 4 is missing");
}

TEST_CASE("every input is verified to its end, even when none of its pages is used") {
  const ByteVector good = made(2, 2, 3, {{1, page_of(1)}, {3, page_of(3)}});
  const ByteVector newer = made(3, 3, 3, {{1, page_of(11)}, {3, page_of(33)}});
  REQUIRE(merge({good, newer}));
  ByteVector damaged = good;
  damaged.back() ^= std::byte{1};
  CHECK(refusal({damaged, newer}) == "0000000000000002-0000000000000002.ltx: file checksum mismatch");
  ByteVector longer = good;
  longer.push_back({});
  CHECK(refusal({longer, newer}) != "accepted");
  CHECK(refusal({good, ByteVector(newer.begin(), newer.end() - 1)}) != "accepted");
}

TEST_CASE("a merge ends when its caller gives up") {
  Pages pages;
  for (PageNo page = 1; page <= 3000; ++page) pages[page] = page_of(1);
  const ByteVector file = made(1, 1, 3000, pages);
  std::stop_source stop;
  stop.request_stop();
  auto stopped = merge({file}, {.stop = stop.get_token(), .deadline = {}});
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().code == Errc::cancelled);

  // Stopped on the way: by the writer, at its first block.
  class Stopper final : public Writer {
   public:
    explicit Stopper(std::stop_source& stop) : stop_(stop) {}
    Result<void> write(Bytes) override {
      stop_.request_stop();
      return {};
    }

   private:
    std::stop_source& stop_;
  };
  std::mt19937 random(8);
  for (auto& [page, image] : pages) {
    for (std::byte& b : image) b = static_cast<std::byte>(random());
  }
  const ByteVector noise = made(1, 1, 3000, pages);
  MemorySource source(noise);
  std::vector<LtxDecoder> inputs;
  auto decoder = LtxDecoder::begin(source);
  REQUIRE(decoder);
  inputs.push_back(std::move(*decoder));
  std::stop_source later;
  Stopper out(later);
  auto header = merge_ltx(inputs, out, {.stop = later.get_token(), .deadline = {}});
  REQUIRE_FALSE(header);
  CHECK(header.error().code == Errc::cancelled);
}

TEST_CASE("merging random chains, in any grouping, gives what applying them one by one gives") {
  const std::uint32_t chosen = seed();
  INFO("TEST_SEED=" << chosen);
  std::mt19937 random(chosen);
  const auto below = [&random](std::uint32_t end) { return static_cast<std::uint32_t>(random() % end); };
  for (int round = 0; round < 40; ++round) {
    Pages model;
    std::vector<ByteVector> chain;
    const std::uint64_t files = below(8) + 1;
    std::uint32_t commit = 0;
    for (std::uint64_t tx = 1; tx <= files; ++tx) {
      const std::uint32_t before = commit;
      commit = below(30) + 1;
      Pages pages;
      for (PageNo page = 1; page <= commit; ++page) {
        if (tx == 1 || page > before || below(4) == 0) pages[page] = random_page(random, 512);
      }
      for (const auto& [page, image] : pages) model[page] = image;
      std::erase_if(model, [&](const auto& page) { return page.first > commit; });
      chain.push_back(made(tx, tx, commit, pages));
    }
    const LtxFile whole = merged(chain);
    REQUIRE(whole.pages == model);
    REQUIRE(whole.header.commit == commit);

    // A tail merged first, as compaction does, changes nothing.
    const auto split = chain.begin() + static_cast<std::ptrdiff_t>(below(static_cast<std::uint32_t>(files)));
    auto tail = merge(std::vector<ByteVector>(split, chain.end()));
    REQUIRE(tail);
    std::vector<ByteVector> shorter(chain.begin(), split);
    shorter.push_back(*tail);
    REQUIRE(merged(shorter).pages == model);
  }
}

// LTX files both ways: files of the peer's releases, the annotated file of docs/ltx-format.md §9, round trips, and what
// the encoder refuses. Damage is ltx_damage_test.cpp, merging ltx_merge_test.cpp.
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

std::vector<std::string> golden_files(const std::string& version) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(GOLDEN_DIR)) {
    const std::string path = entry.path().string();
    if (path.ends_with(".ltx") && path.find("/" + version) != std::string::npos) paths.push_back(path);
  }
  return paths;
}

void same_header(const LtxHeader& a, const LtxHeader& b) { CHECK(ltx::encode_header(a) == ltx::encode_header(b)); }

// Decodes and encodes again, taking compressed pages as they are.
ByteVector copy_of(Bytes bytes) {
  MemorySource in(bytes);
  MemorySink out;
  auto decoder = LtxDecoder::begin(in);
  REQUIRE(decoder);
  auto encoder = LtxEncoder::begin(out, decoder->header());
  REQUIRE(encoder);
  while (true) {
    auto page = decoder->next();
    REQUIRE(page);
    if (!*page) break;
    REQUIRE(encoder->add(**page));
  }
  auto trailer = encoder->finish();
  REQUIRE(trailer);
  CHECK(encoder->bytes_written() == out.data().size());
  return out.take();
}

// Takes writes until `room` bytes are used up.
class FullDisk final : public Writer {
 public:
  explicit FullDisk(std::size_t room) : room_(room) {}
  Result<void> write(Bytes data) override {
    if (data.size() > room_) return fail(Errc::no_space, "disk full");
    room_ -= data.size();
    return {};
  }

 private:
  std::size_t room_;
};

template <class T>
std::string refusal(const Result<T>& r) {
  return r ? "accepted" : r.error().message;
}

ByteVector from_hex(std::string_view text) {
  ByteVector bytes;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == ' ' || text[i] == '\n') {
      ++i;
    } else {
      bytes.push_back(static_cast<std::byte>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
      i += 2;
    }
  }
  return bytes;
}

}  // namespace

TEST_CASE("every file of the peer's releases decodes, verifies and can be written again") {
  const auto [version, blocks] =
      GENERATE(table<std::string, bool>({{"0.5.5", false}, {"0.5.15", false}, {"0.5.17", true}}));
  const auto paths = golden_files(version);
  REQUIRE(paths.size() >= 11);
  for (const std::string& path : paths) {
    INFO(path);
    const ByteVector bytes = read_file(path);
    auto file = decode(bytes);
    REQUIRE(file);
    CHECK(path.ends_with("/" + ltx_file_name(file->header.range)));
    CHECK(file->any_block == blocks);
    CHECK(file->any_frame == !blocks);

    // The block form of the newer version is copied byte for byte; the older form becomes blocks.
    const ByteVector copy = copy_of(bytes);
    if (blocks) CHECK(copy == bytes);
    auto again = decode(copy);
    REQUIRE(again);
    CHECK(again->pages == file->pages);
    CHECK_FALSE(again->any_frame);
    same_header(again->header, file->header);

    auto encoded = encode(file->header, file->pages);
    REQUIRE(encoded);
    auto third = decode(*encoded, 7);
    REQUIRE(third);
    CHECK(third->pages == file->pages);
  }
}

TEST_CASE("the annotated file reads as its annotations say") {
  const ByteVector bytes = from_hex(R"(4c545831 00000002 00001000 00000004 0000000000000002 0000000000000002
    000001a208c23a9b 0000000000000000 0000000000004080 0000000000001018 0f428f61 52a016a5 0000000000000000
    0000000000000000000000000000000000000000
    00000002 0001 00000036 df0d000000020fec000ff60fec00 0100 ffffffffffffffffffffffffffffff db
    f005 0802030017 776f726c64 0801030017 68656c6c6f
    000000000000 02644000 0000000000000004 0000000000000000 c8302e6c0d37f059)");
  REQUIRE(bytes.size() == 198);
  auto file = decode(bytes);
  INFO(refusal(file));
  REQUIRE(file);
  const LtxHeader& header = file->header;
  CHECK(header.flags == kLtxNoChecksum);
  CHECK(header.page_size == 4096);
  CHECK(header.commit == 4);
  CHECK(header.range == TxRange{{2}, {2}});
  CHECK_FALSE(header.is_snapshot());
  CHECK(to_rfc3339(header.timestamp) == "2026-11-23T14:14:36.443Z");
  CHECK(header.pre_apply_checksum == 0);
  CHECK(header.wal_offset == 16512);
  CHECK(header.wal_size == 4120);
  CHECK(header.salts == Salts{0x0f428f61, 0x52a016a5});
  CHECK(header.node_id == 0);
  REQUIRE(file->pages.size() == 1);
  const ByteVector& image = file->pages.at(2);
  CHECK(image[0] == std::byte{0x0d});
  CHECK(std::string(reinterpret_cast<const char*>(image.data()) + 4091, 5) == "hello");
  CHECK(file->trailer.post_apply_checksum == 0);
  CHECK(file->trailer.file_checksum == 0xc8302e6c0d37f059ULL);
  CHECK(copy_of(bytes) == bytes);
}

TEST_CASE("random pages survive the round trip at every page size and any length of read") {
  const std::uint32_t page_size = GENERATE(512U, 1024U, 2048U, 4096U, 8192U, 16384U, 32768U, 65536U);
  const std::uint32_t chosen = seed();
  INFO("TEST_SEED=" << chosen << " page size " << page_size);
  std::mt19937 random(chosen);
  for (int round = 0; round < 10; ++round) {
    const bool snapshot = round % 2 == 0;
    LtxHeader header = ltx_header(snapshot ? 1 : 5, 9, static_cast<std::uint32_t>(random() % 40 + 1), page_size);
    if (!snapshot) {
      header.wal_offset = 32;
      header.wal_size = 24 + page_size;
      header.salts = {static_cast<std::uint32_t>(random()), 1};
      header.node_id = random();
    }
    Pages pages;
    for (PageNo page = 1; page <= header.commit; ++page) {
      if (snapshot || random() % 3 == 0) pages[page] = random_page(random, page_size);
    }
    auto bytes = encode(header, pages);
    REQUIRE(bytes);
    auto file = decode(*bytes, random() % 3 == 0 ? 1 : random() % 20'000 + 1);
    REQUIRE(file);
    CHECK(file->pages == pages);
    same_header(file->header, header);
  }
}

TEST_CASE("the older form and a mixture of both are read, whatever the length of reads") {
  std::mt19937 random(3);
  const std::uint32_t page_size = GENERATE(512U, 4096U, 65536U);
  Pages pages;
  for (PageNo page = 1; page <= 6; ++page) pages[page] = random_page(random, page_size);
  LtxForge forge(ltx_header(1, 1, 6, page_size));
  for (const auto& [page, image] : pages) page % 3 == 0 ? forge.block(page, image) : forge.frame(page, image);
  const ByteVector bytes = forge.finish();
  for (const std::size_t longest : {1U, 3U, 1000U, 1'000'000U}) {
    auto file = decode(bytes, longest);
    REQUIRE(file);
    CHECK(file->pages == pages);
    CHECK(file->any_block);
    CHECK(file->any_frame);
  }
  const ByteVector frame = lz4_frame(pages[1]);  // the forged frames are like the peer's
  CHECK(ByteVector(frame.begin(), frame.begin() + 7) == from_hex("04224d186440a7"));
}

TEST_CASE("a snapshot may carry a checksum of the database") {
  std::mt19937 random(4);
  LtxHeader header = ltx_header(1, 3, 5);
  header.flags = 0;
  Pages pages;
  std::uint64_t expected = 0;
  for (PageNo page = 1; page <= 5; ++page) {
    pages[page] = random_page(random, 512);
    expected ^= ltx::page_checksum(page, pages[page]);
  }
  auto bytes = encode(header, pages);
  REQUIRE(bytes);
  auto file = decode(*bytes);
  REQUIRE(file);
  CHECK(file->trailer.post_apply_checksum == (expected | kLtxChecksumBit));

  auto empty = encode(
      [&] {
        auto h = header;
        h.commit = 0;
        return h;
      }(),
      {});
  REQUIRE(empty);
  auto nothing = decode(*empty);
  REQUIRE(nothing);
  CHECK(nothing->trailer.post_apply_checksum == kLtxChecksumBit);
}

TEST_CASE("a snapshot jumps over the lock page") {
  static constexpr std::uint32_t kPageSize = 65536;
  static constexpr PageNo kLock = lock_page(kPageSize);
  const PageNo commit = GENERATE(kLock - 1, kLock, kLock + 1);
  const ByteVector image(kPageSize);
  const ByteVector compressed = lz4_block(image);
  MemorySink out;
  auto encoder = LtxEncoder::begin(out, ltx_header(1, 1, commit, kPageSize));
  REQUIRE(encoder);
  for (PageNo page = 1; page < kLock; ++page) {
    auto added = encoder->add({page, image, compressed});
    if (!added) FAIL(added.error().message);
  }
  CHECK_FALSE(encoder->add(kLock, image));
  if (commit > kLock) {
    CHECK(refusal(encoder->finish()) == "snapshot is incomplete: page 16386 of 16386 is missing");
    REQUIRE(encoder->add(kLock + 1, image));
  }
  REQUIRE(encoder->finish());

  MemorySource in(out.data());
  auto decoder = LtxDecoder::begin(in);
  REQUIRE(decoder);
  PageNo pages = 0;
  while (true) {
    auto page = decoder->next();
    if (!page) FAIL(page.error().message);
    if (!*page) break;
    ++pages;
  }
  CHECK(pages == (commit == kLock ? commit - 1 : commit == kLock + 1 ? commit - 1 : commit));
}

TEST_CASE("few pages of a large database fit around the lock page") {
  const PageNo lock = lock_page(4096);
  const Pages pages{{1, ByteVector(4096)},
                    {lock - 1, ByteVector(4096)},
                    {lock + 1, ByteVector(4096)},
                    {0xffffffff, ByteVector(4096, std::byte{7})}};
  auto bytes = encode(ltx_header(2, 2, 0xffffffff, 4096), pages);
  REQUIRE(bytes);
  auto file = decode(*bytes);
  REQUIRE(file);
  CHECK(file->pages == pages);
}

TEST_CASE("the encoder refuses pages that do not belong into the file") {
  MemorySink out;
  const ByteVector image(512);
  SECTION("of an increment") {
    auto encoder = LtxEncoder::begin(out, ltx_header(2, 2, 3'000'000));
    REQUIRE(encoder);
    REQUIRE(encoder->add(7, image));
    CHECK_FALSE(encoder->add(0, image));
    CHECK_FALSE(encoder->add(6, image));
    CHECK_FALSE(encoder->add(7, image));
    CHECK_FALSE(encoder->add(3'000'001, image));
    CHECK_FALSE(encoder->add(lock_page(512), image));
    CHECK_FALSE(encoder->add(8, ByteVector(511)));
    CHECK_FALSE(encoder->add(8, ByteVector(1024)));
    CHECK_FALSE(encoder->add({8, image, ByteVector(10'000)}));
    REQUIRE(encoder->add(9, image));
    REQUIRE(encoder->finish());
    CHECK_FALSE(encoder->add(10, image));
    CHECK_FALSE(encoder->finish());
    auto file = decode(out.data());
    REQUIRE(file);
    CHECK(file->pages == Pages{{7, image}, {9, image}});
  }
  SECTION("of a snapshot") {
    auto encoder = LtxEncoder::begin(out, ltx_header(1, 2, 4));
    REQUIRE(encoder);
    CHECK(refusal(encoder->add(2, image)) == "nonsequential page numbers in snapshot transaction: 0,2");
    REQUIRE(encoder->add(1, image));
    CHECK(refusal(encoder->add(4, image)) == "nonsequential page numbers in snapshot transaction: 1,4");
    REQUIRE(encoder->add(2, image));
    auto finished = encoder->finish();
    REQUIRE_FALSE(finished);
    CHECK(finished.error().code == Errc::corrupt);
    CHECK(finished.error().message == "snapshot is incomplete: page 3 of 4 is missing");
  }
}

TEST_CASE("the encoder refuses headers that no decoder takes") {
  const auto refused = [](const std::function<void(LtxHeader&)>& change) {
    LtxHeader header = ltx_header(2, 3, 4);
    change(header);
    MemorySink out;
    auto encoder = LtxEncoder::begin(out, header);
    const bool written = !out.data().empty();
    return !encoder && encoder.error().code == Errc::invalid_argument && !written;
  };
  CHECK_FALSE(refused([](LtxHeader&) {}));
  CHECK(refused([](LtxHeader& h) { h.flags = 3; }));
  CHECK(refused([](LtxHeader& h) { h.page_size = 4097; }));
  CHECK(refused([](LtxHeader& h) { h.page_size = 256; }));
  CHECK(refused([](LtxHeader& h) { h.page_size = 131072; }));
  CHECK(refused([](LtxHeader& h) { h.range.min = {0}; }));
  CHECK(refused([](LtxHeader& h) { h.range.max = {1}; }));
  CHECK(refused([](LtxHeader& h) { h.wal_offset = -1; }));
  CHECK(refused([](LtxHeader& h) { h.wal_offset = 32, h.wal_size = -1; }));
  CHECK(refused([](LtxHeader& h) { h.wal_size = 1; }));
  CHECK(refused([](LtxHeader& h) { h.salts = {0, 1}; }));
  CHECK(refused([](LtxHeader& h) { h.pre_apply_checksum = kLtxChecksumBit; }));
  CHECK(refused([](LtxHeader& h) { h.range.min = {1}, h.flags = 0, h.pre_apply_checksum = kLtxChecksumBit; }));
  CHECK(refused([](LtxHeader& h) { h.flags = 0, h.pre_apply_checksum = 1; }));

  LtxHeader increment = ltx_header(2, 3, 4);  // its database checksum would need all pages
  increment.flags = 0;
  increment.pre_apply_checksum = kLtxChecksumBit | 1;
  MemorySink out;
  auto encoder = LtxEncoder::begin(out, increment);
  REQUIRE_FALSE(encoder);
  CHECK(encoder.error().code == Errc::unsupported);
}

TEST_CASE("after a failed write the encoder finishes nothing") {
  std::mt19937 random(5);
  const std::size_t room = GENERATE(std::size_t{0}, std::size_t{300'000}, std::size_t{570'000});
  FullDisk disk(room);
  auto encoder = LtxEncoder::begin(disk, ltx_header(2, 2, 1000, 4096));
  REQUIRE(encoder);
  std::optional<Errc> failure;
  for (PageNo page = 1; page <= 140 && !failure; ++page) {
    ByteVector noise(4096);
    for (std::byte& b : noise) b = static_cast<std::byte>(random());
    if (auto r = encoder->add(page, noise); !r) failure = r.error().code;
  }
  auto finished = encoder->finish();
  REQUIRE_FALSE(finished);
  CHECK(failure.value_or(finished.error().code) == Errc::no_space);
  CHECK_FALSE(encoder->finish());
  CHECK_FALSE(encoder->add(999, ByteVector(4096)));
}

TEST_CASE("names are two TXIDs in lower case") {
  CHECK(ltx_file_name({{1}, {0xab}}) == "0000000000000001-00000000000000ab.ltx");
  const auto range = parse_ltx_file_name("0000000000000001-00000000000000ab.ltx");
  REQUIRE(range);
  CHECK(*range == TxRange{{1}, {0xab}});
  CHECK(LtxFileInfo{.level = 0, .range = *range, .size = 0, .created_at = {}}.name() ==
        "0000000000000001-00000000000000ab.ltx");
  for (const std::string_view name :
       {"", "0000000000000001-00000000000000AB.ltx", "0000000000000001-00000000000000ab.ltx.tmp",
        "0000000000000001_00000000000000ab.ltx", "000000000000001-00000000000000ab.ltx",
        "0000000000000001-00000000000000ag.ltx", " 000000000000001-00000000000000ab.ltx",
        "0000000000000001-00000000000000ab.LTX", "x0000000000000001-00000000000000ab.ltx",
        "0000000000000000-00000000000000ab.ltx", "00000000000000ac-00000000000000ab.ltx"}) {
    INFO(name);
    CHECK_FALSE(parse_ltx_file_name(name));
  }
}

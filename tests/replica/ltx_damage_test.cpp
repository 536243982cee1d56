// What a decoder must reject: docs/ltx-format.md §6. Forged files carry right checksums, so that each check stands
// alone.
#include "replica/ltx.hpp"
#include "support/catch.hpp"
#include "support/ltx_forge.hpp"

using namespace replica;
using namespace support;

namespace {

ByteVector page_of(std::uint8_t fill, std::size_t size = 512) { return ByteVector(size, std::byte{fill}); }

// "" for an accepted file.
std::string complaint(Bytes bytes) {
  auto file = decode(bytes);
  if (file) return "";
  CHECK(file.error().code == Errc::corrupt);
  return file.error().message;
}

bool complains(Bytes bytes, const std::string& of) {
  const std::string text = complaint(bytes);
  INFO("complaint: " << text);
  CHECK_FALSE(text.empty());
  return text.find(of) != std::string::npos;
}

LtxForge increment() { return LtxForge(ltx_header(2, 2, 3'000'000)); }

ByteVector small_file(bool frames) {
  LtxForge forge(ltx_header(2, 2, 5));
  ByteVector text(512);
  for (std::size_t i = 0; i < 40; ++i) text[i * 3] = static_cast<std::byte>(i * 7 + 1);
  for (const PageNo page : {2U, 5U}) frames ? forge.frame(page, text) : forge.block(page, text);
  return forge.finish();
}

}  // namespace

TEST_CASE("every flipped bit is found, or changes nothing") {
  // LZ4 has bits without a meaning and several ways to write the same page; the checksums are of the page.
  const bool frames = GENERATE(false, true);
  const ByteVector good = small_file(frames);
  auto expected = decode(good);
  REQUIRE(expected);
  ByteVector bytes = good;
  std::size_t harmless = 0;
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    if (auto file = decode(bytes)) {
      ++harmless;
      const bool in_pages = bit / 8 >= kLtxHeaderSize && bit / 8 < bytes.size() - kLtxTrailerSize;
      if (!in_pages || file->pages != expected->pages) FAIL("bit " << bit % 8 << " of byte " << bit / 8);
    }
    bytes[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
  }
  CHECK(bytes == good);
  CHECK(harmless < good.size() * 8 / 20);
}

TEST_CASE("a file cut at any byte, or with one too many, is refused") {
  const ByteVector good = small_file(GENERATE(false, true));
  REQUIRE(complaint(good).empty());
  for (std::size_t size = 0; size < good.size(); ++size) {
    for (const std::size_t longest : {std::size_t{1}, good.size()}) {
      auto file = decode(Bytes(good).first(size), longest);
      if (file) FAIL("accepted " << size << " bytes");
      if (file.error().message.find("unexpected end of file") == std::string::npos) {
        FAIL("cut at " << size << ": " << file.error().message);
      }
    }
  }
  ByteVector longer = good;
  longer.push_back(std::byte{0});
  CHECK(complains(longer, "bytes behind its end"));
}

TEST_CASE("a failed decoder stays failed, a finished one stays finished") {
  const ByteVector good = small_file(false);
  MemorySource whole(good), torn(Bytes(good).first(150));
  auto decoder = LtxDecoder::begin(whole);
  REQUIRE(decoder);
  for (int i = 0; i < 2; ++i) REQUIRE(decoder->next());
  for (int i = 0; i < 3; ++i) {
    auto end = decoder->next();
    REQUIRE(end);
    CHECK_FALSE(*end);
  }
  auto broken = LtxDecoder::begin(torn);
  REQUIRE(broken);
  bool failed = false;
  for (int i = 0; i < 5; ++i) {
    auto page = broken->next();
    CHECK_FALSE((failed && page));
    failed = failed || !page;
  }
  CHECK(failed);
}

TEST_CASE("headers against the rules are refused in the peer's words") {
  const ByteVector good = small_file(false);
  const auto with = [&](std::size_t at, std::initializer_list<int> values) {
    ByteVector bytes = good;
    for (const int value : values) bytes[at++] = static_cast<std::byte>(value);
    auto header = parse_ltx_header(bytes);
    REQUIRE_FALSE(header);
    CHECK(header.error().code == Errc::corrupt);
    return header.error().message;
  };
  CHECK(with(0, {'X'}) == "invalid LTX file");
  CHECK(with(4, {0, 0, 0, 1}) == "invalid LTX file: invalid flags: 0x00000001");
  CHECK(with(8, {0, 0, 0x10, 1}) == "invalid LTX file: invalid page size: 4097");
  CHECK(with(8, {0, 0, 0, 1}) == "invalid LTX file: invalid page size: 1");
  CHECK_FALSE(with(23, {0}).empty());     // min TXID 0
  CHECK_FALSE(with(31, {1}).empty());     // max TXID 1 < min
  CHECK_FALSE(with(40, {0x80}).empty());  // pre-apply checksum
  CHECK_FALSE(with(48, {0x80}).empty());  // WAL offset negative
  CHECK_FALSE(with(63, {1}).empty());     // WAL size without offset
  CHECK_FALSE(with(64, {1}).empty());     // salt without offset
  CHECK(parse_ltx_header(good));
  CHECK_FALSE(parse_ltx_header(Bytes(good).first(99)));
  CHECK(complains({}, "unexpected end of file"));
}

TEST_CASE("pages against the rules are refused") {
  const ByteVector page = page_of(1);
  REQUIRE(complaint(increment().block(1, page).block(3'000'000, page).finish()).empty());
  REQUIRE(complaint(increment().finish()).empty());
  CHECK(complains(increment().block(2, page).block(1, page).finish(), "page 1 comes after page 2"));
  CHECK(complains(increment().frame(2, page).block(2, page).finish(), "page 2 comes after page 2"));
  CHECK(complains(increment().block(3'000'001, page).finish(), "out-of-bounds"));
  CHECK(complains(increment().block(lock_page(512), page).finish(), "the lock page"));
  CHECK(complains(increment().raw(1, 2, lz4_block(page), page).finish(), "unknown flags"));
  CHECK(complains(increment().raw(1, 0x8001, lz4_block(page), page).finish(), "unknown flags"));
}

TEST_CASE("blocks that are not exactly one page are refused") {
  const ByteVector page = page_of(1);
  const ByteVector block = lz4_block(page);
  CHECK(complains(increment().raw(1, 1, block, page, 0xffffffff).finish(), "impossible compressed length"));
  CHECK(complains(increment().raw(1, 1, block, page, 0).finish(), "impossible compressed length"));
  // LZ4's bound for 512 bytes is 530.
  CHECK(complains(increment().raw(1, 1, ByteVector(531), page).finish(), "impossible compressed length"));
  CHECK(complains(increment().raw(1, 1, ByteVector(530), page).finish(), "does not decompress"));
  CHECK(complains(increment().raw(1, 1, lz4_block(page_of(1, 511)), page).finish(), "does not decompress"));
  CHECK(complains(increment().raw(1, 1, lz4_block(page_of(1, 513)), page).finish(), "does not decompress"));
  CHECK(complains(increment().raw(1, 1, lz4_block(page_of(1, 60'000)), page).finish(), "does not decompress"));
  CHECK(complains(increment().raw(1, 1, page_of(0xff, 100), page).finish(), "does not decompress"));
}

TEST_CASE("frames that are not exactly one page are refused") {
  const ByteVector page = page_of(1);
  CHECK(complains(increment().raw(1, 0, lz4_frame(page_of(1, 511)), page).finish(), "less than a page"));
  CHECK(complains(increment().raw(1, 0, lz4_frame(page_of(1, 513)), page).finish(), "more than a page"));
  CHECK(complains(increment().raw(1, 0, lz4_frame(page_of(1, 200'000)), page).finish(), "more than a page"));
  CHECK(complains(increment().raw(1, 0, lz4_frame({}), page).finish(), "less than a page"));
  CHECK(complains(increment().raw(1, 0, page_of(0xff, 100), page).finish(), "does not decompress"));
  ByteVector wrong_sum = lz4_frame(page);
  wrong_sum.back() ^= std::byte{1};
  CHECK(complains(increment().raw(1, 0, wrong_sum, page).finish(), "does not decompress"));
  // A skippable frame is a frame of no content.
  CHECK(complains(increment()
                      .raw(1, 0,
                           {std::byte{0x50}, std::byte{0x2a}, std::byte{0x4d}, std::byte{0x18}, std::byte{1},
                            std::byte{0}, std::byte{0}, std::byte{0}, std::byte{9}},
                           page)
                      .finish(),
                  "less than a page"));
}

TEST_CASE("an index that is not that of the pages is refused") {
  const auto tampered = [](const std::function<void(LtxForge&)>& change) {
    LtxForge forge = increment();
    forge.block(3, page_of(3)).frame(200, page_of(4));
    change(forge);
    return complaint(forge.finish());
  };
  const std::string mismatch = "LTX file is damaged: its page index does not match its pages";
  CHECK(tampered([](LtxForge&) {}).empty());
  CHECK(tampered([](LtxForge& f) { f.index[0].page = 2; }) == mismatch);
  CHECK(tampered([](LtxForge& f) { ++f.index[1].offset; }) == mismatch);
  CHECK(tampered([](LtxForge& f) { --f.index[1].size; }) == mismatch);
  CHECK(tampered([](LtxForge& f) { std::swap(f.index[0], f.index[1]); }) == mismatch);
  CHECK(tampered([](LtxForge& f) { f.index.pop_back(); }) == mismatch);
  CHECK(tampered([](LtxForge& f) { f.index.push_back({201, 900, 20}); }) == mismatch);
  CHECK(tampered([](LtxForge& f) { f.index.clear(); }) == mismatch);
  CHECK(tampered([](LtxForge& f) { f.index_end = 1; }) == mismatch);
  CHECK(tampered([](LtxForge& f) { f.extra_index_length = 1; }) == mismatch);
  CHECK(tampered([](LtxForge& f) { f.end_flags = 1; }) == "LTX file is damaged: the end of its pages has flags");
}

TEST_CASE("a snapshot without all of its pages is refused") {
  const auto snapshot = [](std::uint32_t commit, std::initializer_list<int> pages) {
    LtxForge forge(ltx_header(1, 4, commit));
    for (const int page : pages) forge.block(static_cast<PageNo>(page), page_of(static_cast<std::uint8_t>(page)));
    return complaint(forge.finish());
  };
  CHECK(snapshot(3, {1, 2, 3}).empty());
  CHECK(snapshot(3, {1, 3}) == "LTX file is damaged: the snapshot holds 2 of 3 pages");
  CHECK(snapshot(3, {1, 2}) == "LTX file is damaged: the snapshot holds 2 of 3 pages");
  CHECK(snapshot(3, {2, 3}) == "LTX file is damaged: the snapshot holds 2 of 3 pages");
  CHECK(snapshot(1, {}) == "LTX file is damaged: the snapshot holds 0 of 1 pages");
}

TEST_CASE("checksums of the database are verified where there are some") {
  const auto snapshot = [](std::uint32_t flags, std::optional<std::uint64_t> post_apply) {
    LtxHeader header = ltx_header(1, 4, 2);
    header.flags = flags;
    LtxForge forge(header);
    forge.block(1, page_of(1)).frame(2, page_of(2));
    forge.post_apply = post_apply;
    return complaint(forge.finish());
  };
  CHECK(snapshot(0, {}).empty());
  CHECK(snapshot(kLtxNoChecksum, {}).empty());
  CHECK(snapshot(0, kLtxChecksumBit | 5) == "LTX file is damaged: the checksum of the database does not match");
  CHECK(snapshot(0, 5) == "LTX file is damaged: its post-apply checksum is missing");
  CHECK(snapshot(kLtxNoChecksum, kLtxChecksumBit) ==
        "LTX file is damaged: it has a post-apply checksum where none may be");

  LtxHeader later = ltx_header(5, 6, 2);  // of an increment the rest of the database is not known
  later.flags = 0;
  later.pre_apply_checksum = kLtxChecksumBit | 1;
  LtxForge forge(later);
  forge.block(2, page_of(1));
  forge.post_apply = kLtxChecksumBit | 77;
  auto file = decode(forge.finish());
  REQUIRE(file);
  CHECK(file->trailer.post_apply_checksum == (kLtxChecksumBit | 77));
}

TEST_CASE("random bytes behind a good header end in an error") {
  std::mt19937 random(6);
  const auto header = ltx::encode_header(ltx_header(2, 2, 0xffffffff));
  for (int round = 0; round < 3000; ++round) {
    ByteVector bytes(header.begin(), header.end());
    const std::size_t page = bytes.size();
    bytes.resize(page + 2000);
    for (std::size_t i = page; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(random());
    bytes[page + 4] = std::byte{0};
    bytes[page + 5] = static_cast<std::byte>(random() % 2);
    if (random() % 2 == 0) bytes[page + 6] = bytes[page + 7] = bytes[page + 8] = std::byte{0};
    if (random() % 2 == 0 && bytes[page + 5] == std::byte{0}) {
      const ByteVector start = lz4_frame(page_of(1));
      std::copy(start.begin(), start.begin() + static_cast<std::ptrdiff_t>(random() % 12), bytes.begin() + 106);
    }
    REQUIRE_FALSE(decode(bytes, random() % 700 + 1));
  }
}

// CRC-64 of LTX files: docs/ltx-format.md §5. Both implementations against a bit by bit definition and each other.
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "ltx/checksum.hpp"
#include "replica/ltx.hpp"
#include "support/catch.hpp"

using replica::Bytes;
using namespace replica::ltx;

namespace {

using Compute = std::uint64_t (*)(std::uint64_t, Bytes) noexcept;

// The definition, one bit at a time.
std::uint64_t crc64_slow(std::uint64_t state, Bytes data) {
  for (const std::byte byte : data) {
    state ^= std::to_integer<std::uint64_t>(byte);
    for (int bit = 0; bit < 8; ++bit) state = state >> 1 ^ ((state & 1) != 0 ? 0xD800000000000000ULL : 0);
  }
  return state;
}

std::uint32_t seed() {
  if (const char* text = std::getenv("TEST_SEED")) return static_cast<std::uint32_t>(std::stoul(text));
  return std::random_device{}();
}

std::vector<std::byte> random_bytes(std::mt19937& random, std::size_t size) {
  std::vector<std::byte> bytes(size);
  for (std::byte& b : bytes) b = static_cast<std::byte>(random());
  return bytes;
}

Bytes text(std::string_view characters) { return std::as_bytes(std::span(characters)); }

}  // namespace

TEST_CASE("the check value of the polynomial") {
  Crc64 crc;
  crc.update(text("123456789"));
  CHECK(crc.value() == 0xB90956C775A41001ULL);
  CHECK(~crc64_table(~0ULL, text("123456789")) == 0xB90956C775A41001ULL);
  CHECK(~crc64_slow(~0ULL, text("123456789")) == 0xB90956C775A41001ULL);
  CHECK(Crc64().value() == 0);
}

TEST_CASE("both ways agree with the definition at every length and alignment") {
  std::mt19937 random(1);
  const auto bytes = random_bytes(random, 400);
  const Compute compute = GENERATE(crc64_table, crc64_carryless);
  for (std::size_t start = 0; start < 17; ++start) {
    for (std::size_t size = 0; size <= 300; ++size) {
      const Bytes data = Bytes(bytes).subspan(start, size);
      const std::uint64_t state = random() * 0x9E3779B97F4A7C15ULL;
      if (compute(state, data) != crc64_slow(state, data)) FAIL("start " << start << " size " << size);
    }
  }
}

TEST_CASE("both ways agree on random data however it is split") {
  const std::uint32_t chosen = seed();
  INFO("TEST_SEED=" << chosen);
  std::mt19937 random(chosen);
  for (int round = 0; round < 100; ++round) {
    const auto bytes = random_bytes(random, random() % 70'000);
    const std::uint64_t whole = crc64_table(~0ULL, bytes);
    REQUIRE(crc64_carryless(~0ULL, bytes) == whole);
    Crc64 crc;
    std::uint64_t table = ~0ULL, carryless = ~0ULL;
    for (Bytes rest = bytes; !rest.empty();) {
      const Bytes part = rest.first(std::min<std::size_t>(rest.size(), random() % 5000));
      crc.update(part);
      table = crc64_table(table, part);
      carryless = crc64_carryless(carryless, part);
      rest = rest.subspan(part.size());
    }
    REQUIRE(table == whole);
    REQUIRE(carryless == whole);
    REQUIRE(crc.value() == ~whole);
  }
}

TEST_CASE("a page's share of the database checksum is of its number and image, with the top bit set") {
  const std::vector<std::byte> image(512, std::byte{0x5a});
  std::vector<std::byte> both(4 + image.size(), std::byte{0x5a});
  both[0] = both[1] = std::byte{0};
  both[2] = std::byte{1};
  both[3] = std::byte{2};
  CHECK(page_checksum(0x102, image) == (~crc64_slow(~0ULL, both) | replica::kLtxChecksumBit));
  CHECK(page_checksum(0x102, image) != page_checksum(0x103, image));
}

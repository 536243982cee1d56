// SQLite's checksum word by word, as it is defined, and by vectors.
#include "wal/checksum.hpp"

#include <random>

#include "support/catch.hpp"

using namespace replica;

namespace {

std::vector<std::byte> random_bytes(std::mt19937& random, std::size_t size) {
  std::vector<std::byte> bytes(size);
  for (std::byte& one : bytes) one = static_cast<std::byte>(random());
  return bytes;
}

WalChecksum random_sum(std::mt19937& random) {
  return {static_cast<std::uint32_t>(random()), static_cast<std::uint32_t>(random())};
}

}  // namespace

TEST_CASE("the checksum of two words is as SQLite defines it") {
  const std::vector<std::byte> data{std::byte{1}, {}, {}, {}, std::byte{2}, {}, {}, {}};
  CHECK(wal::checksum_by_words(false, {10, 20}, data) == WalChecksum{31, 53});
  CHECK(wal::checksum_by_vectors(false, {10, 20}, data) == WalChecksum{31, 53});
  CHECK(wal::checksum_by_words(true, {10, 20}, data) == WalChecksum{0x0100001e, 0x03000032});
}

TEST_CASE("both ways agree at every length and alignment, in both byte orders") {
  std::mt19937 random(1);
  const auto bytes = random_bytes(random, 4200);
  const bool big_endian = GENERATE(false, true);
  for (std::size_t start = 0; start < 9; ++start) {
    for (std::size_t size = 0; size + start <= bytes.size(); size += 8) {
      const Bytes data = Bytes(bytes).subspan(start, size);
      const WalChecksum seed = random_sum(random);
      if (wal::checksum_by_vectors(big_endian, seed, data) != wal::checksum_by_words(big_endian, seed, data))
        FAIL("start " << start << " size " << size);
    }
  }
}

TEST_CASE("both ways agree on whole pages, and on how they are chained") {
  std::mt19937 random(2);
  const std::size_t page_size = GENERATE(512U, 1024U, 4096U, 65536U);
  WalChecksum words = random_sum(random), vectors = words;
  for (int page = 0; page < 20; ++page) {
    const auto image = page == 0 ? std::vector<std::byte>(page_size, std::byte{0xff}) : random_bytes(random, page_size);
    words = wal::checksum_by_words(false, words, image);
    vectors = wal::checksum_by_vectors(false, vectors, image);
    REQUIRE(words == vectors);
  }
}

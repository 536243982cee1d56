// Builds write-ahead logs, good and bad, byte by byte and without the code under test: the checksum here is a second
// implementation. Format: https://www.sqlite.org/fileformat2.html §4.1, §4.2.
#pragma once

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "replica/wal.hpp"

namespace support {

class WalBuilder {
 public:
  struct Options {
    std::uint32_t page_size = 512;
    bool big_endian = false;  // words of the checksum
    std::uint32_t sequence = 0;
    replica::Salts salts{0x11111111, 0x22222222};
    std::uint32_t magic = 0x377f0682;
    std::uint32_t version = 3007000;
  };

  explicit WalBuilder(const Options& options) : options_(options) {
    put(options.magic | (options.big_endian ? 1U : 0U));
    put(options.version);
    put(options.page_size);
    put(options.sequence);
    put(options.salts.one);
    put(options.salts.two);
    run(0, 24);
    put(s0_);
    put(s1_);
  }

  // A frame that continues the log; `commit` is the size of the database after it, 0 in the middle of a transaction.
  WalBuilder& frame(replica::PageNo page, std::uint32_t commit, replica::Bytes image) {
    return frame_with_salts(page, commit, image, options_.salts);
  }

  WalBuilder& frame_with_salts(replica::PageNo page, std::uint32_t commit, replica::Bytes image, replica::Salts salts) {
    if (image.size() != options_.page_size) throw std::invalid_argument("image is not a page");
    const std::size_t start = bytes_.size();
    put(page);
    put(commit);
    put(salts.one);
    put(salts.two);
    const std::size_t checksum = bytes_.size();
    bytes_.resize(checksum + 8);
    bytes_.insert(bytes_.end(), image.begin(), image.end());
    run(start, 8);
    run(checksum + 8, image.size());
    store(checksum, s0_);
    store(checksum + 4, s1_);
    return *this;
  }

  // A page filled with one byte.
  WalBuilder& frame(replica::PageNo page, std::uint32_t commit, std::uint8_t fill) {
    return frame(page, commit, std::vector<std::byte>(options_.page_size, std::byte{fill}));
  }

  // Bytes that belong to no valid frame, such as the remains of an older generation.
  WalBuilder& garbage(replica::Bytes bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }

  const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  void put(std::uint32_t value) {
    bytes_.resize(bytes_.size() + 4);
    store(bytes_.size() - 4, value);
  }
  void store(std::size_t at, std::uint32_t value) {
    for (std::size_t i = 0; i < 4; ++i) bytes_[at + i] = static_cast<std::byte>(value >> (24 - 8 * i));
  }
  std::uint32_t word(std::size_t at) const {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const std::size_t place = options_.big_endian ? i : 3 - i;
      value = value << 8 | std::to_integer<std::uint32_t>(bytes_[at + place]);
    }
    return value;
  }
  void run(std::size_t start, std::size_t size) {
    for (std::size_t at = start; at < start + size; at += 8) {
      s0_ = s0_ + word(at) + s1_;
      s1_ = s1_ + word(at + 4) + s0_;
    }
  }

  Options options_;
  std::vector<std::byte> bytes_;
  std::uint32_t s0_ = 0, s1_ = 0;
};

}  // namespace support

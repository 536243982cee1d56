// CRC-64 "GO-ISO", the checksum of LTX files. docs/ltx-format.md §5.
#pragma once

#include <cstdint>

#include "replica/types.hpp"

namespace replica::ltx {

// A running CRC. The value of "123456789" is 0xB90956C775A41001.
class Crc64 {
 public:
  void update(Bytes data) noexcept;
  std::uint64_t value() const noexcept { return ~state_; }

 private:
  std::uint64_t state_ = ~0ULL;
};

// The two ways to compute it, for tests; Crc64 picks the first where the processor can.
bool has_carryless_multiply() noexcept;
std::uint64_t crc64_carryless(std::uint64_t state, Bytes data) noexcept;
std::uint64_t crc64_table(std::uint64_t state, Bytes data) noexcept;

// One page's share of the rolling database checksum: CRC of its number (big-endian) and image, with bit 63 set.
std::uint64_t page_checksum(PageNo page, Bytes image) noexcept;

}  // namespace replica::ltx

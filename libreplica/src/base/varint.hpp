// Unsigned LEB128: seven bits a byte, the low ones first, the top bit of all but the last byte set.
#pragma once

#include <cstddef>
#include <cstdint>

namespace replica {

inline constexpr std::size_t kLongestVarint = 10;

// Calls push(std::byte) for each byte.
template <class Push>
void put_varint(std::uint64_t value, Push push) {
  for (; value >= 0x80; value >>= 7) push(static_cast<std::byte>(value | 0x80));
  push(static_cast<std::byte>(value));
}

// What put_varint() wrote, and nobody else: next() → std::byte is trusted to come to an end.
template <class Next>
std::uint64_t take_varint(Next next) {
  std::uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = std::to_integer<std::uint64_t>(next());
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
}

}  // namespace replica

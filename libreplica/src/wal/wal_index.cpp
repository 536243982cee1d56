#include "wal/wal_index.hpp"

#include <bit>
#include <cstring>

namespace replica::wal {
namespace {

constexpr std::size_t kCopy = 48;

template <class T>
T native(Bytes bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

// The salts are stored as in the WAL header: big-endian, whatever the machine.
std::uint32_t big_endian(Bytes bytes, std::size_t offset) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | std::to_integer<std::uint32_t>(bytes[offset + i]);
  return value;
}

}  // namespace

std::optional<WalIndexHeader> parse_wal_index(Bytes bytes) noexcept {
  if (bytes.size() < kWalIndexBytes || std::memcmp(bytes.data(), bytes.data() + kCopy, kCopy) != 0) return std::nullopt;
  constexpr bool kBig = std::endian::native == std::endian::big;
  const WalChecksum sum = wal_checksum(kBig, {}, bytes.first(40));
  if (sum != WalChecksum{native<std::uint32_t>(bytes, 40), native<std::uint32_t>(bytes, 44)}) return std::nullopt;
  if (native<std::uint8_t>(bytes, 12) == 0) return std::nullopt;  // not initialised yet
  WalIndexHeader header;
  const std::uint32_t size = native<std::uint16_t>(bytes, 14);  // 65536 is stored as 1
  header.page_size = (size & 0xfe00U) | (size & 1U) << 16;
  header.max_frame = native<std::uint32_t>(bytes, 16);
  header.page_count = native<std::uint32_t>(bytes, 20);
  header.frame_checksum = {native<std::uint32_t>(bytes, 24), native<std::uint32_t>(bytes, 28)};
  header.salts = {big_endian(bytes, 32), big_endian(bytes, 36)};
  header.backfilled = native<std::uint32_t>(bytes, 2 * kCopy);
  return header;
}

}  // namespace replica::wal

// The words everything speaks: transaction ids, page numbers, levels, times.
#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "replica/result.hpp"

namespace replica {

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

// Number of a sync run, from 1; 0 means "none yet". Text form: 16 lower-case hex digits.
struct TxId {
  std::uint64_t value = 0;

  static Result<TxId> parse(std::string_view text);  // exactly 16 hex digits: "invalid txid format"
  [[nodiscard]] std::string text() const;
  [[nodiscard]] TxId next() const noexcept { return {value + 1}; }
  explicit operator bool() const noexcept { return value != 0; }
  auto operator<=>(const TxId&) const = default;
};

// Inclusive; min and max are ≥ 1 and min ≤ max in anything that names a file.
struct TxRange {
  TxId min, max;
  auto operator<=>(const TxRange&) const = default;
};

// The two salts of a WAL generation, as numbers read big-endian from the WAL header.
struct Salts {
  std::uint32_t one = 0, two = 0;
  bool operator==(const Salts&) const = default;
};

using PageNo = std::uint32_t;  // 1-based; 0 is never a page

// 0 = one file a sync run, 1…8 = compacted, 9 = snapshots.
using Level = int;
inline constexpr Level kMaxCompactionLevel = 8;
inline constexpr Level kSnapshotLevel = 9;

// The page that holds SQLite's lock bytes (offset 1 GiB): never stored, zero when materialised.
// SQLite file format §1.4 (lock-byte page).
constexpr PageNo lock_page(std::uint32_t page_size) noexcept { return 0x40000000U / page_size + 1; }

// Power of two, 512…65536.
constexpr bool is_page_size(std::uint32_t n) noexcept { return n >= 512 && n <= 65536 && (n & (n - 1)) == 0; }

using Timestamp = std::chrono::sys_time<std::chrono::milliseconds>;

// "2026-11-23T14:14:23.749Z"; the fraction is left out when it is zero. RFC 3339 has four digits for the year: a time
// outside 0…9999 (from a header somebody made up) is shown as the nearest one inside.
std::string to_rfc3339(Timestamp time);
// Any RFC 3339 time with `Z` or a numeric offset; digits below a millisecond are dropped.
Result<Timestamp> parse_rfc3339(std::string_view text);

}  // namespace replica

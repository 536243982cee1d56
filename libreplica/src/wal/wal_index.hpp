// The header of the wal-index (the -shm file), bytes to values. Pure.
// https://www.sqlite.org/walformat.html §2.1
#pragma once

#include <optional>

#include "replica/types.hpp"
#include "replica/wal.hpp"

namespace replica::wal {

// Two copies of the header, then the checkpoint information up to and including nBackfill.
inline constexpr std::size_t kWalIndexBytes = 2 * 48 + 4;

// What every SQLite process on the database agrees on right now.
struct WalIndexHeader {
  std::uint32_t max_frame = 0;   // frames committed in this generation; later ones may still be rolled back
  std::uint32_t page_count = 0;  // database size in pages after max_frame; 0 = unknown
  std::uint32_t page_size = 0;   // 0 = unknown
  Salts salts;
  WalChecksum frame_checksum;    // running checksum at max_frame
  std::uint32_t backfilled = 0;  // frames already copied into the database file
};

// `bytes` are kWalIndexBytes of native shared memory. nullopt when the copies differ or the checksum is wrong: somebody
// is writing it at this moment.
std::optional<WalIndexHeader> parse_wal_index(Bytes bytes) noexcept;

}  // namespace replica::wal

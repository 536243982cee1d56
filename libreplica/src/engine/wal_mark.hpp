// How far into which WAL the newest level-0 file reaches, with the running checksum there: what proves, when a database
// is attached again, that the log still is the one that was captured. The header of the file alone cannot: after a
// crash SQLite may cut the log short of what we captured and write other frames behind the cut with the same salts.
// docs/store-layout.md §4.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "engine/rest_mark.hpp"
#include "engine/wal_file.hpp"
#include "io/file_stamp.hpp"

namespace replica::engine {

inline constexpr std::size_t kWalMarkSize = 112;

struct WalMark {
  TxId txid;                            // of the newest level-0 file
  Timestamp written_at{};               // that file's timestamp: another daemon may have given the TXID anew
  std::uint64_t device = 0, inode = 0;  // of the database file: a log can outlive the file it was written for
  WalPosition position;                 // its checksum is known
  std::uint32_t commit = 0;             // pages
  // Set when we let go of the database while all of its log was backfilled, and nothing of that later than `position`:
  // as long as the database file has not been written to since, the frames of whatever log is found, all of them, are
  // what has been committed since. device and inode are those above.
  std::optional<io::FileStamp> untouched{};
  std::uint64_t boot = 0;          // io::boot_identity() then
  std::optional<RestMark> rest{};  // with `untouched`, when all destinations held everything
};

// Without `rest`.
std::array<std::byte, kWalMarkSize> format_wal_mark(const WalMark& mark);
// nullopt when anything about the first kWalMarkSize bytes is wrong; no `rest` when anything about what follows is.
std::optional<WalMark> parse_wal_mark(Bytes bytes);

// nullopt: there is none that can be trusted, and nothing is proved.
Result<std::optional<WalMark>> read_wal_mark(const std::string& meta_path, io::Gate* gate);
// In place and not synced: one that is lost or torn costs a comparison of the database, nothing else.
Result<void> write_wal_mark(const std::string& meta_path, const WalMark& mark, io::Gate* gate);

}  // namespace replica::engine

// What a WAL mark says besides of a database that was let go of while all destinations had everything: enough to leave
// it at rest when the next daemon starts, with nothing opened and nothing listed. docs/store-layout.md §4.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "io/file_stamp.hpp"
#include "replica/database.hpp"

namespace replica::engine {

struct DestinationAtRest {
  std::optional<Timestamp> last_sync{};    // as shown
  std::optional<Timestamp> maintenance{};  // when it has something to do next
  Timestamp seen{};                        // when the store last showed that all of it is there
  TxId newest_min;                         // of the level-0 file there that ends at the mark's TXID; 0 = there is none
};

// Of a database in the order of its configuration, and of which configuration that is.
struct DestinationsAtRest {
  std::uint64_t identity = 0;
  std::vector<DestinationAtRest> each{};
};

struct RestMark {
  std::optional<io::FileStamp> wal{};
  io::FileStamp level_zero;     // the directory of local files: none has come or gone
  std::int64_t clock_lead = 0;  // io::clock_lead() then
  DestinationsAtRest destinations;
};

// Names the places that a database is copied to, without their secrets, and when they want maintenance; nullopt where
// one has no URL, and nothing would tell it from another after a restart.
std::optional<std::uint64_t> identity_of(const std::vector<DestinationConfig>& destinations,
                                         const ReplicatorOptions& options);

std::string level_zero_path(const std::string& meta_path);

inline constexpr std::size_t kMaxDestinationsAtRest = 32;
inline constexpr std::size_t kRestMarkBase = 128, kRestMarkEach = 32;  // bytes

// It counts with the one mark that has the checksum `of_mark` only. Empty when there are too many destinations.
std::vector<std::byte> format_rest_mark(const RestMark& mark, std::uint64_t of_mark);
std::optional<RestMark> parse_rest_mark(Bytes bytes, std::uint64_t of_mark);  // nullopt when anything about it is wrong

}  // namespace replica::engine

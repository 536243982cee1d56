// Pages, logs and files for the tasks.
#pragma once

#include "replica/ltx.hpp"
#include "replica/wal.hpp"

namespace micro {

using ByteVector = std::vector<std::byte>;

inline constexpr std::uint32_t kPageSize = 4096;

// Ends the program: a benchmark of something that fails measures nothing.
[[noreturn]] void give_up(const std::string& what);
template <class T>
T must(replica::Result<T> result) {
  if (!result) give_up(result.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// Half random, half zero, as a database of short rows compresses.
ByteVector page_image(std::uint64_t seed);
// A log of `frames` frames over `pages` pages, a commit every four.
ByteVector make_log(std::uint64_t frames, replica::PageNo pages);
// A file of level 0 with the pages first, first + step, … of `count` pages.
ByteVector make_file(replica::TxId txid, replica::PageNo first, replica::PageNo step, std::uint32_t count);

}  // namespace micro

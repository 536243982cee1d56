// Which level-0 files go to the replica as one object: a function of values.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>

#include "replica/ltx.hpp"

namespace replica::engine {

// How many of `pending` (ascending, at least one), from the first on, are uploaded as one: those captured within one
// `interval`, the time between two uploads, and a half, for a capture may be late. So a point in time to restore is
// about as near as with one file an upload. Adjacent, and of `max_bytes` together at most (0 = no limit).
inline std::size_t uploaded_together(std::span<const LtxFileInfo> pending, std::chrono::milliseconds interval,
                                     std::uint64_t max_bytes) {
  const LtxFileInfo& first = pending.front();
  std::uint64_t bytes = first.size;
  std::size_t count = 1;
  for (; count < pending.size(); ++count) {
    const LtxFileInfo& file = pending[count];
    bytes += file.size;
    if (file.range.min != pending[count - 1].range.max.next()) break;
    if (file.created_at < first.created_at || file.created_at - first.created_at >= interval * 3 / 2) break;
    if (max_bytes != 0 && bytes > max_bytes) break;
  }
  return count;
}

}  // namespace replica::engine

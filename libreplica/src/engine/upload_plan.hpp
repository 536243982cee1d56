// Which level-0 files go to the replica as one object: a function of values.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>

#include "engine/maintain.hpp"
#include "replica/database.hpp"
#include "replica/ltx.hpp"

namespace replica::engine {

// Files that a replica would soon hold in level 1 only: those made before `before`, by windows of `window`; 0 = none.
struct Backlogged {
  Timestamp before{};
  std::chrono::milliseconds window{};
};

struct UploadLimits {
  std::chrono::milliseconds interval{};  // between two uploads
  std::uint64_t max_bytes = 0;           // of one object; 0 = no limit
  std::uint64_t alone_from = 0;          // bytes of a file that is not merged; 0 = none is so large
  Backlogged backlogged{};
};

inline constexpr std::size_t kMostTogether = 32;                               // each is a descriptor
inline constexpr std::uint64_t kMostBytesOfBacklog = std::uint64_t{32} << 20;  // what a failed upload sends again
inline constexpr std::uint64_t kAloneWhereLinked = std::uint64_t{1} << 20;  // its merge would copy what a link does not

// What was captured longer ago than level 0 is kept is merged by compaction and removed right behind its upload: points
// in time within a window of level 1 would be lost a moment later. Nothing is where level 0 is kept.
inline Backlogged backlogged(const ReplicatorOptions& options, Timestamp now) {
  if (!options.retention_enabled || !options.maintain || options.levels.empty()) return {};
  if (options.l0_retention.count() <= 0 || options.levels.front().count() <= 0) return {};
  return {now - options.l0_retention, options.levels.front()};
}

inline bool in_one_window(const LtxFileInfo& first, const LtxFileInfo& file, const UploadLimits& limits) {
  const auto [before, window] = limits.backlogged;
  return window.count() > 0 && file.created_at < before &&
         aligned(first.created_at, window) == aligned(file.created_at, window);
}

// How many of `pending` (ascending, at least one), from the first on, are uploaded as one, adjacent: those captured
// within one interval and a half, for a capture may be late, so that a point in time to restore is about as near as
// with one file an upload. Of a backlog after an outage, those of one window of level 1.
inline std::size_t uploaded_together(std::span<const LtxFileInfo> pending, const UploadLimits& limits) {
  const auto alone = [&](const LtxFileInfo& file) { return limits.alone_from != 0 && file.size >= limits.alone_from; };
  const LtxFileInfo& first = pending.front();
  if (alone(first)) return 1;
  std::uint64_t bytes = first.size;
  std::size_t count = 1;
  for (; count < pending.size() && count < kMostTogether; ++count) {
    const LtxFileInfo& file = pending[count];
    bytes += file.size;
    if (file.range.min != pending[count - 1].range.max.next() || alone(file)) break;
    if (file.created_at < first.created_at) break;
    if (limits.max_bytes != 0 && bytes > limits.max_bytes) break;
    if (file.created_at - first.created_at < limits.interval * 3 / 2) continue;
    if (bytes > kMostBytesOfBacklog || !in_one_window(first, file, limits)) break;
  }
  return count;
}

}  // namespace replica::engine

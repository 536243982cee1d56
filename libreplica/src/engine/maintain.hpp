// What keeps the replica small and restores fast: compaction and retention. The plan_* functions are pure; the others
// carry a plan out. Rules: engine spec §4.3 and §4.4 and docs/architecture.md.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "io/gate.hpp"
#include "replica/clock.hpp"
#include "replica/replica.hpp"

namespace replica::engine {

// The latest instant ≤ now that is a multiple of `interval` since 0001-01-01T00:00:00Z (the peer's alignment: 24 h =
// midnight UTC).
Timestamp aligned(Timestamp now, std::chrono::milliseconds interval);

// Compaction of level `target` from the files of the level below.
// The fewest files of `below` that continue `newest` without a hole: each begins no later than one behind the end of
// the one before and ends after it (what others cover is left out). Ends before a hole and at `max_inputs`; a change of
// page size is unknown here, the executor ends the run there. Empty = nothing to do. Without `newest` the run begins at
// the lowest TXID. A hole right after `newest` is `corrupt` and the message names the missing TXIDs.
Result<std::vector<LtxFileInfo>> plan_compaction(const std::vector<LtxFileInfo>& below,
                                                 std::optional<LtxFileInfo> newest, std::size_t max_inputs = 256);

// Opens an input: the local copy when there is one, else from the replica, with a small read-ahead block (all inputs
// are open at once).
using OpenInput = std::function<Result<std::unique_ptr<Reader>>(const LtxFileInfo&)>;
inline constexpr std::size_t kCompactionBlock = 64U << 10;

struct CompactionResult {
  LtxFileInfo file;
  std::size_t inputs = 0;  // how many of those given were merged; fewer after a change of page size or a hole
};
// Merges `inputs` (all of one level, oldest first) into one file of level `target` by way of a temp file in
// `scratch_directory` (made when missing, a "*.tmp" name), and writes it to the replica. A change of page size or a
// hole inside ends the run before it; inputs that add nothing are passed over. Nothing is written when an input proves
// damaged.
Result<CompactionResult> compact(Replica& replica, Level target, const std::vector<LtxFileInfo>& inputs,
                                 const OpenInput& open, const std::string& scratch_directory, const Call& call,
                                 io::Gate* gate = nullptr);

struct RetentionPlan {
  std::vector<LtxFileInfo> remove;  // in the order to delete
};
// Level 0: older than `keep` and covered by level 1 (max ≤ highest max of level 1); stops at the first younger one; the
// newest file always stays. keep = 0 keeps everything.
RetentionPlan plan_l0_retention(const std::vector<LtxFileInfo>& level0, TxId level1_max, Timestamp now,
                                std::chrono::milliseconds keep);
// Snapshots older than `keep` but the newest; then what of levels 1…8 (levels[0] = level 1) lies below the floor (max
// TXID of the snapshot before the first kept one; 0 when the first kept is the first of all), the newest file of each
// level always staying. keep = 0 keeps everything.
RetentionPlan plan_snapshot_retention(const std::vector<LtxFileInfo>& snapshots,
                                      const std::vector<std::vector<LtxFileInfo>>& levels, Timestamp now,
                                      std::chrono::milliseconds keep);

}  // namespace replica::engine

#include <algorithm>
#include <tuple>

#include "engine/maintain.hpp"

namespace replica::engine {
namespace {

bool ends_before(const LtxFileInfo& a, const LtxFileInfo& b) {
  return std::tie(a.range.max, a.range.min) < std::tie(b.range.max, b.range.min);
}

std::vector<LtxFileInfo> oldest_first(std::vector<LtxFileInfo> files) {
  std::sort(files.begin(), files.end(), ends_before);
  return files;
}

}  // namespace

Timestamp aligned(Timestamp now, std::chrono::milliseconds interval) {
  if (interval <= interval.zero()) return now;
  constexpr Timestamp kYearOne = std::chrono::sys_days{std::chrono::year{1} / 1 / 1};
  auto past = (now - kYearOne) % interval;
  if (past < past.zero()) past += interval;
  return now - past;
}

RetentionPlan plan_l0_retention(const std::vector<LtxFileInfo>& level0, TxId level1_max, Timestamp now,
                                std::chrono::milliseconds keep) {
  RetentionPlan plan;
  if (keep <= keep.zero()) return plan;
  auto files = oldest_first(level0);
  if (!files.empty()) files.pop_back();
  for (const auto& file : files) {
    if (file.created_at > now - keep || file.range.max > level1_max) break;
    plan.remove.push_back(file);
  }
  return plan;
}

RetentionPlan plan_snapshot_retention(const std::vector<LtxFileInfo>& snapshots,
                                      const std::vector<std::vector<LtxFileInfo>>& levels, Timestamp now,
                                      std::chrono::milliseconds keep) {
  RetentionPlan plan;
  if (keep <= keep.zero() || snapshots.empty()) return plan;

  // Deleting begins with the oldest, so that whatever is left after an interruption is a superset of the plan's
  // outcome.
  const auto sorted = oldest_first(snapshots);
  TxId floor;
  bool kept_one = false;
  for (const auto& file : sorted) {
    const bool keeps = file.created_at > now - keep || &file == &sorted.back();
    kept_one = kept_one || keeps;
    if (!kept_one) floor = file.range.max;
    if (!keeps) plan.remove.push_back(file);
  }
  for (const auto& level : levels) {
    auto files = oldest_first(level);
    if (!files.empty()) files.pop_back();
    for (const auto& file : files) {
      if (file.range.max < floor) plan.remove.push_back(file);
    }
  }
  return plan;
}

}  // namespace replica::engine

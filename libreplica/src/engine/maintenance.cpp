#include "engine/maintenance.hpp"

#include <algorithm>

#include "engine/maintain.hpp"

namespace replica::engine {
namespace {

TxId newest_max(const Levels& levels, Level level) {
  const auto file = levels.newest(level);
  return file ? file->range.max : TxId{};
}

void sooner(std::optional<Timestamp>& best, Timestamp candidate) {
  if (!best || candidate < *best) best = candidate;
}

}  // namespace

std::chrono::milliseconds MaintenanceSchedule::interval(Level level) const {
  return level == kSnapshotLevel ? options_->snapshot_interval : options_->levels[static_cast<std::size_t>(level - 1)];
}

bool MaintenanceSchedule::has_input(Level level, const Levels& levels, TxId captured) const {
  const TxId source = level == kSnapshotLevel ? captured : newest_max(levels, level - 1);
  return source > newest_max(levels, level);
}

std::size_t MaintenanceSchedule::place(Level level) const noexcept {
  return level == kSnapshotLevel ? 0 : static_cast<std::size_t>(level);
}

void MaintenanceSchedule::done(Level level, Timestamp now) {
  if (done_.empty()) done_.resize(options_->levels.size() + 1);
  done_.at(place(level)) = now;
}

bool MaintenanceSchedule::due(Level level, const Levels& levels, Timestamp now) const {
  const Timestamp instant = aligned(now, interval(level));
  const Timestamp last = done_.empty() ? Timestamp{} : done_.at(place(level));
  if (last != Timestamp{} && last >= instant) return false;
  const auto newest = levels.newest(level);
  if (newest) return newest->created_at < instant;
  // A new replica: what is merged must have been there at that instant, else one file would be made four at once.
  const auto below = level == kSnapshotLevel ? std::vector<LtxFileInfo>() : levels.files(level - 1);
  return below.empty() || below.front().created_at < instant;
}

std::optional<Timestamp> MaintenanceSchedule::next(const Levels& levels, TxId captured, Timestamp now) const {
  std::optional<Timestamp> best;
  const auto consider = [&](Level level) {
    if (!has_input(level, levels, captured)) return;
    sooner(best, due(level, levels, now) ? now : aligned(now, interval(level)) + interval(level));
  };
  for (Level level = 1; level <= highest_level(); ++level) consider(level);
  consider(kSnapshotLevel);
  if (!options_->retention_enabled) return best;

  const auto earliest_check = std::max<Timestamp>(now + options_->l0_retention_check_interval, retain_from_);
  const auto level0 = levels.files(0);
  const bool removable = level0.size() > 1 && level0.front().range.max <= newest_max(levels, 1);
  if (options_->l0_retention.count() > 0 && removable) {
    sooner(best, std::max(earliest_check, level0.front().created_at + options_->l0_retention));
  }
  const auto snapshots = levels.files(kSnapshotLevel);
  if (snapshots.size() > 1) {
    sooner(best, std::max(earliest_check, snapshots.front().created_at + options_->snapshot_retention));
  }
  return best;
}

}  // namespace replica::engine

// When compaction, snapshot and retention are due: functions of what is known and the time.
#pragma once

#include <memory_resource>
#include <optional>
#include <vector>

#include "engine/levels.hpp"
#include "replica/database.hpp"

namespace replica::engine {

// Remembers when each level was last looked at. One thread at a time.
class MaintenanceSchedule {
 public:
  // `lasting` is for what it remembers.
  explicit MaintenanceSchedule(const ReplicatorOptions& options,
                               std::pmr::memory_resource* lasting = std::pmr::get_default_resource())
      : options_(&options), done_(lasting) {}

  Level highest_level() const noexcept { return static_cast<Level>(options_->levels.size()); }
  // Level 1…highest_level(), or kSnapshotLevel: an aligned instant of its interval has passed since it was last done,
  // and the newest file of the level is older than that instant, or in a new replica the oldest of the level below.
  bool due(Level level, const Levels& levels, Timestamp now) const;
  void done(Level level, Timestamp now);
  // After a store has refused to delete it is not asked again for an hour.
  bool may_retain(Timestamp now) const noexcept { return now >= retain_from_; }
  void retention_refused(Timestamp now) noexcept { retain_from_ = now + kRefusalPause; }
  // The next time any of it has work, given what the replica holds and the position `captured`.
  std::optional<Timestamp> next(const Levels& levels, TxId captured, Timestamp now) const;

 private:
  static constexpr std::chrono::hours kRefusalPause{1};
  std::chrono::milliseconds interval(Level level) const;
  bool has_input(Level level, const Levels& levels, TxId captured) const;
  const ReplicatorOptions* options_;
  std::size_t place(Level level) const noexcept;
  std::pmr::vector<Timestamp> done_;  // by level, snapshots first; the epoch: not yet; empty: none yet
  Timestamp retain_from_{};
};

}  // namespace replica::engine

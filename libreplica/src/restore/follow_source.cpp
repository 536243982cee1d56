#include "restore/follow_source.hpp"

#include <algorithm>
#include <utility>

#include "restore/continuation.hpp"

namespace replica::restore {
namespace {

// One listing may miss what another has: a database is not made anew for what only one said.
constexpr int kLooksToReseed = 2;

bool same_file(const LtxHeader& a, const LtxHeader& b) {
  return a.timestamp == b.timestamp && a.commit == b.commit && a.wal_offset == b.wal_offset && a.salts == b.salts;
}

}  // namespace

Result<std::vector<LtxFileInfo>> FollowSource::list(Level level, TxId from, const Call& call) const {
  auto files = replica_->list(level, from, call);
  if (files && damaged_) std::erase(*files, damaged_->file);
  return files;
}

void FollowSource::failed(const LtxFileInfo& file, Error error) {
  damaged_ = Damaged{.file = file, .error = std::move(error)};
  force_deep_ = true;
}

void FollowSource::listed_all() {
  next_deep_ = clock_->steady() + deep_interval_;
  force_deep_ = false;
}

// Sees a history that was started over and has come by our position already. A file that was only uploaded twice has
// the same header.
Result<bool> FollowSource::is_rewritten(const std::vector<LtxFileInfo>& files, const Call& call) {
  if (!last_) return false;
  const auto listed = std::find_if(files.begin(), files.end(), [&](const LtxFileInfo& file) {
    return file.level == last_->file.level && file.range == last_->file.range;
  });
  if (listed == files.end() || *listed == last_->file) return false;
  auto header = replica_->read_header(*listed, call);
  if (!header && header.error().code == Errc::not_found) return false;
  if (!header) return pass(header);
  if (!same_file(*header, last_->header)) return true;
  last_->file = *listed;
  return false;
}

// The position itself is listed too: it is free, and shows that the replica still has it.
Result<FollowSource::Find> FollowSource::look(TxId position, const Call& call) {
  auto recent = list(0, position, call);
  if (!recent) return pass(recent);
  auto rewritten = is_rewritten(*recent, call);
  if (!rewritten) return pass(rewritten);
  if (*rewritten) return whole(Reseed::rewritten, call);
  // A position that level 0 has no more was merged, as a rule; else the replica is not what it was.
  const bool is_here = !recent->empty() && recent->front().range.min <= position;
  const bool is_lost = std::exchange(position_seen_, is_here) && !is_here;
  if (!force_deep_ && !is_lost) {
    if (auto files = continuation(*recent, position); !files.empty()) return Find{.files = std::move(files)};
    const bool has_gap = !recent->empty() && recent->back().range.max > position;
    if (!has_gap && clock_->steady() < next_deep_) return nothing();
  }
  return look_everywhere(std::move(*recent), position, call);
}

// From the lowest level up, as a restore lists. Snapshots last, and not to continue with: they are the whole database.
Result<FollowSource::Find> FollowSource::look_everywhere(std::vector<LtxFileInfo> files, TxId position,
                                                         const Call& call) {
  for (Level level = 1; level <= kMaxCompactionLevel; ++level) {
    auto listed = list(level, TxId{1}, call);
    if (!listed) return pass(listed);
    files.insert(files.end(), listed->begin(), listed->end());
  }
  auto chain = continuation(files, position);
  TxId newest;
  for (const auto& file : files) newest = std::max(newest, file.range.max);
  if (chain.empty()) {
    auto snapshots = list(kSnapshotLevel, TxId{1}, call);
    if (!snapshots) return pass(snapshots);
    for (const auto& file : *snapshots) newest = std::max(newest, file.range.max);
  }
  listed_all();
  if (!chain.empty() || newest == position) {
    doubts_ = 0;
    return chain.empty() ? nothing() : Find{.files = std::move(chain)};
  }
  force_deep_ = true;
  if (!damaged_ && ++doubts_ < kLooksToReseed) return Find{};
  return whole(newest > position ? Reseed::gap : Reseed::rewritten, call);
}

Result<FollowSource::Find> FollowSource::whole(Reseed why, const Call& call) {
  auto plan = plan_restore(*replica_, {}, call);
  if (!plan) return pass(plan);
  const bool spoiled =
      damaged_ && std::find(plan->files.begin(), plan->files.end(), damaged_->file) != plan->files.end();
  if (spoiled) return nothing();
  listed_all();
  doubts_ = 0;
  return Find{.files = std::move(plan->files), .reseed = why};
}

// Nothing new, or nothing without the damaged file: then it is tried once more, for it may have been the reading.
Result<FollowSource::Find> FollowSource::nothing() {
  if (!damaged_) return Find{};
  Error error = std::move(damaged_->error);
  damaged_.reset();
  return Failure(std::move(error));
}

}  // namespace replica::restore

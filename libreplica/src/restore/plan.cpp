#include <algorithm>
#include <iterator>

#include "replica/restore.hpp"
#include "restore/continuation.hpp"

namespace replica {
namespace {

// The order in which one file is preferred to another that also continues the chain: it reaches further, it starts
// earlier (fewer, larger files), it is more compacted, it is older.
bool better(const LtxFileInfo& a, const LtxFileInfo& b) {
  if (a.range.max != b.range.max) return a.range.max > b.range.max;
  if (a.range.min != b.range.min) return a.range.min < b.range.min;
  if (a.level != b.level) return a.level > b.level;
  return a.created_at < b.created_at;
}

// A file that begins at or before the transaction after `reached`; written so that no TXID can overflow.
bool touches(const LtxFileInfo& file, TxId reached) { return file.range.min.value - 1 <= reached.value; }

bool within_target(const LtxFileInfo& file, const RestoreTarget& target) {
  if (target.txid && file.range.max > *target.txid) return false;
  return !target.before || file.created_at < *target.before;
}

// Drops what no name can mean.
void sort_by_start(std::vector<LtxFileInfo>& files) {
  std::erase_if(files, [](const LtxFileInfo& file) { return !file.range.min || file.range.max < file.range.min; });
  std::sort(files.begin(), files.end(),
            [](const LtxFileInfo& a, const LtxFileInfo& b) { return a.range.min < b.range.min; });
}

// Files by their first transaction, consumed once while the chain grows: what has been passed and does not reach beyond
// the chain can never be needed again, so the best one passed is the only one to remember.
class Sweep {
 public:
  explicit Sweep(const std::vector<LtxFileInfo>& ascending) : next_(ascending.begin()), end_(ascending.end()) {}

  // The best file that continues a chain up to `reached`, or null.
  const LtxFileInfo* continuation(TxId reached) {
    for (; next_ != end_ && touches(*next_, reached); ++next_) {
      if (!best_ || better(*next_, *best_)) best_ = &*next_;
    }
    return best_ && best_->range.max > reached ? best_ : nullptr;
  }
  // The first file behind a hole, or null. Valid after continuation() gave null.
  const LtxFileInfo* beyond() const { return next_ == end_ ? nullptr : &*next_; }

 private:
  std::vector<LtxFileInfo>::const_iterator next_, end_;
  const LtxFileInfo* best_ = nullptr;
};

struct Chain {
  std::vector<LtxFileInfo> files;
  TxId reached;
  std::optional<LtxFileInfo> beyond_hole;
};

// Starts from the newest snapshot rather than from a merged file that reaches as far: it is what the store keeps
// longest.
Chain build_chain(const std::vector<LtxFileInfo>& ascending) {
  Chain chain;
  const LtxFileInfo* snapshot = nullptr;
  for (const auto& file : ascending) {
    if (file.level != kSnapshotLevel || file.range.min.value != 1) continue;
    if (!snapshot || better(file, *snapshot)) snapshot = &file;
  }
  if (snapshot) {
    chain.files.push_back(*snapshot);
    chain.reached = snapshot->range.max;
  }
  Sweep sweep(ascending);
  while (const auto* file = sweep.continuation(chain.reached)) {
    chain.files.push_back(*file);
    chain.reached = file->range.max;
  }
  if (const auto* file = sweep.beyond()) chain.beyond_hole = *file;
  return chain;
}

// After a snapshot of transactions 1…5 a merged file 1…9 makes the snapshot needless. Only the second file can cover
// the first, and no other pair can be: the sweep would have taken the covering file at once, as it reaches further.
void drop_covered_start(std::vector<LtxFileInfo>& files) {
  if (files.size() > 1 && files[1].range.min <= files[0].range.min) files.erase(files.begin());
}

Failure hole(TxId reached, const LtxFileInfo& beyond) {
  return fail(Errc::corrupt,
              "cannot calc restore plan: non-contiguous ltx files: have up to " + reached.text() +
                  " but next file starts at " + beyond.range.min.text(),
              reached ? "transaction " + reached.text() + " is the last that can be restored" : "");
}

Failure nothing_fits(const Chain& chain, const RestoreTarget& target) {
  std::string hint;
  if (target.txid && chain.reached) hint = "the nearest transaction before it is " + chain.reached.text();
  return fail(Errc::not_found, "no matching backup files available", std::move(hint));
}

// A chain that ended early because of times: no harm when the missing stretch exists in a file that is too new (only
// whole files can be restored), but lost data when no file of any time has it.
bool is_true_hole(const std::vector<LtxFileInfo>& all, const Chain& chain) {
  if (!chain.beyond_hole) return false;
  return std::none_of(all.begin(), all.end(), [&](const LtxFileInfo& file) {
    return touches(file, chain.reached) && file.range.max > chain.reached;
  });
}

}  // namespace

Result<RestorePlan> plan_restore(std::vector<LtxFileInfo> files, const RestoreTarget& target) {
  if (target.txid && target.before) return fail(Errc::invalid_argument, "cannot specify index & timestamp to restore");

  sort_by_start(files);
  std::vector<LtxFileInfo> usable;
  std::copy_if(files.begin(), files.end(), std::back_inserter(usable),
               [&](const LtxFileInfo& file) { return within_target(file, target); });

  Chain chain = build_chain(usable);
  if (!target.txid && is_true_hole(files, chain)) return hole(chain.reached, *chain.beyond_hole);
  if (chain.files.empty() || (target.txid && chain.reached != *target.txid)) return nothing_fits(chain, target);
  drop_covered_start(chain.files);
  return RestorePlan{.files = std::move(chain.files)};
}

Result<RestorePlan> plan_restore(const Replica& replica, const RestoreTarget& target, const Call& call) {
  const auto times = target.before ? Replica::Times::from_headers : Replica::Times::listed;
  std::vector<LtxFileInfo> files;
  // From the lowest level up: a file that is merged and pruned meanwhile is then seen at least once, below or above.
  for (Level level = 0; level <= kSnapshotLevel; ++level) {
    auto listed = replica.list(level, TxId{1}, call, times);
    if (!listed) return pass(listed);
    files.insert(files.end(), listed->begin(), listed->end());
  }
  return plan_restore(std::move(files), target);
}

std::vector<LtxFileInfo> restore::continuation(std::vector<LtxFileInfo> files, TxId reached) {
  sort_by_start(files);
  Sweep sweep(files);
  std::vector<LtxFileInfo> chain;
  while (const auto* file = sweep.continuation(reached)) {
    chain.push_back(*file);
    reached = file->range.max;
  }
  return chain;
}

}  // namespace replica

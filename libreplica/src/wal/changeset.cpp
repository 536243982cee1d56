#include <algorithm>
#include <utility>

#include "replica/wal.hpp"

namespace replica {

void ChangesetBuilder::add(const WalFrame& f, std::uint64_t frame) {
  open_.push_back({f.page, frame});
  open_unsummed_ = open_unsummed_ || !f.checksum;
  if (f.commit == 0) return;
  committed_.insert(committed_.end(), open_.begin(), open_.end());
  committed_frames_ += open_.size();
  open_.clear();
  unsummed_ = unsummed_ || std::exchange(open_unsummed_, false);
  commit_ = f.commit;
  end_frame_ = frame + 1;
  checksum_ = f.checksum;
}

Changeset ChangesetBuilder::take() {
  Changeset changes{{}, commit_, end_frame_, checksum_, unsummed_};
  // Newest image first within a page, so that unique keeps it.
  std::sort(committed_.begin(), committed_.end(), [](const Changeset::Page& a, const Changeset::Page& b) {
    return a.page != b.page ? a.page < b.page : a.frame > b.frame;
  });
  const auto last = std::unique(committed_.begin(), committed_.end(),
                                [](const Changeset::Page& a, const Changeset::Page& b) { return a.page == b.page; });
  committed_.erase(last, committed_.end());
  std::erase_if(committed_, [&](const Changeset::Page& p) { return p.page > commit_; });
  changes.pages = std::move(committed_);
  *this = {};
  return changes;
}

}  // namespace replica

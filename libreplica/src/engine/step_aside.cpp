// Letting the application's own checkpoint complete. While we have a pin it cannot: what was committed last lies behind
// the pin. Without one the log may be restarted at any moment, and what was committed before that is to be found and
// proved afterwards. docs/capture.md, stepping aside, argues why nothing is lost.
#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/capture.hpp"
#include "engine/checkpoint_policy.hpp"

namespace replica::engine {
namespace {

bool contains(const Changeset& changes, PageNo page) {
  const auto at = std::lower_bound(changes.pages.begin(), changes.pages.end(), page,
                                   [](const Changeset::Page& known, PageNo wanted) { return known.page < wanted; });
  return at != changes.pages.end() && at->page == page;
}

}  // namespace

Result<Capture::Backfill> Capture::step_aside(const std::function<void()>& pause, int looks) {
  if (!may_step_aside()) return Backfill::behind_writers;
  if (auto r = hold(); !r) return pass(r);
  std::optional<WalHeader> generation;
  if (auto wal = WalFile::open(settings_.path, environment_.gate)) {
    auto stored = position_.frames > 0 ? wal->checksum_behind(position_.frames) : fail(Errc::corrupt, "empty");
    if (stored && position_.checksum == *stored && wal->header().salts == position_.salts) generation = wal->header();
  }
  if (!generation) return Backfill::behind_writers;  // nothing by which the end of the generation could be known again

  auto before = pin_->wal_index();
  if (!before) return pass(before);
  may_restart_ = false;
  if (auto r = pin_->connection().end_read(); !r) return pass(r);

  // A log that stands still is one whose writer checkpoints it, which takes as long as its disk does.
  constexpr int kPatience = 8;
  std::uint32_t frames = before->max_frame;
  int commits = 0;  // seen, at least
  for (int left = looks * kPatience; left > 0;) {
    pause();
    auto index = pin_->wal_index();
    if (!index || index->salts != position_.salts || index->backfilled >= index->max_frame) break;
    const bool still = std::exchange(frames, index->max_frame) == index->max_frame;
    left -= still ? 1 : kPatience;
    commits += still ? 0 : 1;
  }
  if (auto r = pin_->connection().begin_read(); !r) {
    detach();
    return pass(r);
  }
  ++counters_.steps_aside;
  auto index = pin_->wal_index();
  if (!index) return pass(index);
  const std::uint64_t anchors = counters_.anchors;
  auto restarted = capture_unpinned(*generation, *index);
  if (!restarted) {
    if (!breaks_continuity(restarted.error())) return pass(restarted);
    if (auto r = anchor(restarted.error().message); !r) return pass(r);
  } else {
    may_restart_ = *restarted;
    if (auto r = capture_to(*index, Into::memory); !r) return pass(r);
    may_restart_ = true;
    if (!*restarted && index->backfilled < index->max_frame) {
      easy_attempts_ = kEasyAttempts;
      // Long enough to be checkpointed at each commit, but at none of several anybody did.
      const bool futile = before->max_frame >= kAutocheckpointFrames && commits >= kEasyAttempts;
      if (futile && index->backfilled == before->backfilled) aside_beyond_ = 2 * position_.frames;
      return Backfill::behind_writers;
    }
  }
  if (counters_.anchors == anchors) {
    lost_proofs_ = 0;
    easy_attempts_ = 1;
  } else {
    put_off_stepping_aside();
  }
  frames_since_checkpoint_ = 0;
  return Backfill::complete;
}

Result<bool> Capture::capture_unpinned(const WalHeader& generation, wal::WalIndexHeader& index) {
  if (index.salts == position_.salts) {
    if (index.max_frame == position_.frames) return false;
    // When all was backfilled as the new pin was opened, a writer may restart the log at any moment, this one too.
    auto read = index.max_frame < position_.frames ? fail(Errc::corrupt, "the log was cut")
                                                   : read_frames(index, Into::memory, Pinned::no);
    if (read) return false;
    if (!breaks_continuity(read.error())) return pass(read);
    auto now = pin_->wal_index();
    if (!now) return pass(now);
    if (now->salts == position_.salts) return pass(read);
    index = *now;
  }
  ++counters_.restarts_aside;
  if (auto rest = capture_rest(generation, index); !rest) return pass(rest);
  return true;
}

void Capture::put_off_stepping_aside() {
  constexpr int kMostDoublings = 9;
  const auto pause = std::chrono::seconds(10) * (1 << std::min(lost_proofs_++, kMostDoublings));
  aside_from_ = environment_.clock->steady() + std::min<std::chrono::seconds>(pause, std::chrono::hours(1));
}

Result<void> Capture::capture_rest(const WalHeader& generation, const wal::WalIndexHeader& now) {
  if (now.salts.one != position_.salts.one + 1) return fail(Errc::corrupt, "the log was restarted more than once");
  auto wal = WalFile::open(settings_.path, environment_.gate);
  if (!wal) return pass(wal);
  if (wal->header().page_size != generation.page_size) return fail(Errc::corrupt, "the log was replaced");
  auto rest = wal->read_rest(generation, position_);
  if (!rest) return pass(rest);
  if (rest->commit == 0) return {};

  // A commit in the file that did not come to count, for its writer died or failed in that moment, was not backfilled:
  // then the database file differs, where the next generation has not written that page again.
  Changeset next;
  if (now.max_frame > 0) {
    auto newer = WalFile::open(settings_.path, environment_.gate);
    if (!newer) return pass(newer);
    if (newer->header().salts != now.salts) return fail(Errc::corrupt, "the log was replaced");
    auto changes = newer->read({now.salts, now.page_size, 0, newer->header().checksum}, now.max_frame, 0);
    if (!changes) return pass(changes);
    next = std::move(*changes);
  } else if (now.page_count != rest->commit) {
    return fail(Errc::corrupt, "the restarted log ended with another size of the database");
  }
  std::vector<std::byte> logged(generation.page_size), stored(generation.page_size);
  for (const Changeset::Page& page : rest->pages) {
    if (contains(next, page.page) || (now.max_frame > 0 && page.page > now.page_count)) continue;
    if (auto r = wal->image(page.frame, logged); !r) return r;
    auto n = pin_->connection().read_file(static_cast<std::uint64_t>(page.page - 1) * stored.size(), stored);
    if (!n) return pass(n);
    if (*n < stored.size() || logged != stored)
      return fail(Errc::corrupt, "a commit at the end of the restarted log did not come to count");
  }
  return take_changes(*wal, *rest, Into::memory);
}

}  // namespace replica::engine

// Letting go of a database and coming back to it: what is left behind as proof, and what it proves. docs/capture.md,
// store-layout.md §4.
#include <thread>
#include <tuple>
#include <utility>

#include "engine/capture.hpp"

namespace replica::engine {

void Capture::close() noexcept {
  if (!pin_) return;
  if (auto flushed = flush(); !flushed) {
    environment_.logger->log(LogLevel::warn, "changes not written, the next start compares all pages",
                             {{"path", settings_.path}, {"error", flushed.error().message}});
  }
  detach();
}

// Two that close at the same moment each find that they are not the last, and leave the log to be recovered. One that
// cannot be is emptied before, which wants a moment in which nobody writes and nobody reads from it.
void Capture::leave() {
  constexpr int kAttempts = 20;
  constexpr std::chrono::milliseconds kPause{2};
  io::Connection& last = pin_->connection();
  last.checkpoint_on_close();
  std::ignore = last.end_read();  // it has none when stepping aside has failed
  if (!is_unrecoverable()) return;
  last.set_busy_timeout(std::chrono::milliseconds(0));
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    auto truncated = last.truncate_log();
    if (!truncated || *truncated) return;
    std::this_thread::sleep_for(kPause);
  }
}

// In this order: what is written behind a stamp changes it, and what had been written before is seen in the log, which
// a writer fills before the index.
Result<std::optional<FilesAtRest>> Capture::look_for_rest() {
  const std::nullopt_t not_now = std::nullopt;
  const auto now = io::file_clock();
  auto main = io::stamp_of(settings_.path);
  auto wal = io::stamp_of(settings_.path + "-wal");
  if (!main || !wal) return pass(main ? wal : main);
  if (!*main || !io::is_settled(**main, now) || (*wal && !io::is_settled(**wal, now))) return not_now;
  auto index = pin_->wal_index();
  if (!index) return pass(index);
  auto changed = has_changes();
  if (!changed) return pass(changed);
  if (*changed || index->backfilled < index->max_frame) return not_now;
  if (*wal && (*wal)->size > 0) {
    auto log = WalFile::open(settings_.path, environment_.gate);
    if (!log && breaks_continuity(log.error())) return not_now;
    if (!log) return pass(log);
    auto ended = log->ends_before(index->max_frame, index->salts);
    if (!ended) return pass(ended);
    if (!*ended) return not_now;  // a transaction under way, or left there
  }
  return std::optional(FilesAtRest{**main, *wal});
}

// The log is looked at again: closing it, root changes its owner or deletes it. One that was written to meanwhile is
// marked as it was before, and does not pass for that.
Result<std::optional<RestMark>> Capture::rest_mark(const FilesAtRest& left, DestinationsAtRest destinations) const {
  const auto now = io::file_clock();
  auto level_zero = io::stamp_of(level_zero_path(settings_.meta_path));
  auto wal = io::stamp_of(settings_.path + "-wal");
  if (!level_zero || !wal) return pass(level_zero ? wal : level_zero);
  if (!*level_zero || !io::is_settled(**level_zero, now)) return std::optional<RestMark>();
  const bool unwritten = left.wal && *wal && io::is_unwritten(*left.wal, **wal);
  return std::optional(RestMark{.wal = unwritten ? *wal : left.wal,
                                .level_zero = **level_zero,
                                .clock_lead = io::clock_lead(),
                                .destinations = std::move(destinations)});
}

Result<std::optional<FilesAtRest>> Capture::rest(std::optional<DestinationsAtRest> destinations) {
  if (!pin_ || !held_.empty() || io::boot_identity() == 0) return std::optional<FilesAtRest>();
  auto left = look_for_rest();
  if (!left || !*left) return left;
  if (auto r = fold_before_leaving(); !r) return pass(r);
  close();
  auto after = io::stamp_of(settings_.path);
  if (!after) return pass(after);
  if (*after != (*left)->main) return std::optional<FilesAtRest>();
  auto marked = destinations ? rest_mark(**left, std::move(*destinations)) : std::optional<RestMark>();
  leave_mark((*left)->main, marked ? std::move(*marked) : std::nullopt);
  return left;
}

void Capture::leave_mark(std::optional<io::FileStamp> untouched, std::optional<RestMark> rest) {
  const WalMark mark{.txid = newest_.range.max,
                     .written_at = newest_.timestamp,
                     .device = identity_.device,
                     .inode = identity_.inode,
                     .position = position_,
                     .commit = commit_,
                     .untouched = untouched,
                     .boot = untouched ? io::boot_identity() : 0,
                     .rest = std::move(rest)};
  if (auto r = write_wal_mark(settings_.meta_path, mark, environment_.gate); !r) {
    environment_.logger->log(LogLevel::warn, "position in the write-ahead log not saved",
                             {{"path", settings_.path}, {"error", r.error().message}});
  }
}

// The newest file is read to its end and verified, unless it was complete when we let go and the system has been up
// since.
Result<std::optional<LtxHeader>> Capture::find_newest(const std::optional<WalMark>& mark) {
  const std::lock_guard lock(*store_lock_);
  if (mark && mark->untouched && mark->boot == io::boot_identity() && store_->last() == mark->txid) {
    auto header = store_->header(store_->files().back().range);
    if (header && header->timestamp == mark->written_at) return std::optional(*header);
  }
  return store_->verify_newest();
}

Result<bool> Capture::continue_with(const WalMark& mark) {
  if (mark.txid != newest_.range.max || mark.written_at != newest_.timestamp) return false;
  if (mark.device != identity_.device || mark.inode != identity_.inode) return false;
  auto same_log = continue_from_mark(mark);
  return !same_log || *same_log ? same_log : continue_untouched(mark);
}

Result<bool> Capture::continue_from_mark(const WalMark& mark) {
  const WalPosition& known = mark.position;
  auto index = pin_->wal_index();
  if (!index) return pass(index);
  if (index->salts != known.salts || known.frames > index->max_frame) return false;
  if (index->max_frame > 0 && index->page_size != known.page_size) return false;
  auto wal = WalFile::open(settings_.path, environment_.gate);
  if (!wal) return breaks_continuity(wal.error()) ? Result<bool>(false) : Result<bool>(pass(wal));
  if (wal->header().salts != index->salts || wal->header().page_size != known.page_size) return false;
  if (known.frames == index->max_frame) {
    if (known.frames > 0 && known.checksum != index->frame_checksum) return false;
  } else if (known.frames > 0) {
    auto stored = wal->checksum_behind(known.frames);
    if (!stored) return breaks_continuity(stored.error()) ? Result<bool>(false) : Result<bool>(pass(stored));
    if (known.checksum != *stored) return false;
  }

  WalPosition from = known;
  if (known.frames == 0) from.checksum = wal->header().checksum;
  return go_on(from, mark.commit, *index);
}

Result<bool> Capture::go_on(const WalPosition& from, std::uint32_t commit, const wal::WalIndexHeader& index) {
  position_ = from;
  commit_ = commit;
  frames_since_checkpoint_ = from.frames;
  // What was committed before this pin must be read before a restart may be believed.
  may_restart_ = false;
  if (auto r = capture_to(index, Into::files); !r) return pass(r);
  may_restart_ = true;
  return true;
}

// When we let go, all of the log was backfilled and captured. A log is restarted only when all of it is backfilled, and
// backfilling writes the file: as long as that is as it was, there has been at most one restart, of the log we knew,
// and the one found now, whichever it is, holds from its first frame on all that was committed since.
Result<bool> Capture::continue_untouched(const WalMark& mark) {
  if (!mark.untouched || mark.boot != io::boot_identity()) return false;
  auto index = pin_->wal_index();
  if (!index) return pass(index);
  const bool both_empty = index->max_frame == 0 && mark.position.frames == 0;
  if (index->salts == mark.position.salts && !both_empty) return false;  // the log we knew, and not as we knew it
  WalPosition found{index->salts, mark.position.page_size, 0, {}};
  if (index->max_frame > 0) {
    auto wal = WalFile::open(settings_.path, environment_.gate);
    if (!wal) return breaks_continuity(wal.error()) ? Result<bool>(false) : Result<bool>(pass(wal));
    if (wal->header().salts != index->salts || wal->header().page_size != found.page_size) return false;
    if (index->page_size != found.page_size) return false;
    found.checksum = wal->header().checksum;
  }
  // Last: none of the frames up to here was backfilled, and the pin is there.
  auto stamp = io::stamp_of(settings_.path);
  if (!stamp) return pass(stamp);
  if (*stamp != mark.untouched) return false;
  return go_on(found, mark.commit, *index);
}

}  // namespace replica::engine

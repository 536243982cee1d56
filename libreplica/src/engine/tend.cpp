// Between two captures of a busy database: how fast its log grows, and getting out of the way of the application's own
// checkpoints in time. docs/capture.md.
#include <algorithm>
#include <thread>
#include <utility>

#include "engine/database.hpp"
#include "engine/lane_lock.hpp"

namespace replica::engine {
namespace {

constexpr std::chrono::milliseconds kMeasured{50};  // less tells nothing of how fast a log grows
constexpr std::chrono::milliseconds kAhead{45};  // of an application's checkpoint: to capture, and step aside in time
constexpr std::chrono::milliseconds kSoon{5};    // not worth waking up for once more
constexpr std::chrono::milliseconds kBegun{20};  // a log whose writer is busy has been begun anew by then
constexpr std::chrono::milliseconds kQuiet{1000}, kAgain{10'000};

}  // namespace

std::uint64_t Database::bytes_logged() { return capture_->counters().wal_bytes + capture_->uncaptured_bytes(); }

void Database::measure_growth() {
  const auto now = environment_.clock->steady();
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - awake_->grown_at);
  if (elapsed < kMeasured) return;
  const std::uint64_t bytes = bytes_logged();
  awake_->growth = {.frames = (bytes - std::min(bytes, awake_->grown_bytes)) / wal_frame_size(capture_->page_size()),
                    .elapsed = elapsed};
  awake_->grown_at = now;
  awake_->grown_bytes = bytes;
}

// What is measured next begins now. While we step aside the writer stands still for its checkpoint: a log whose growth
// was measured over that time seemed to grow so slowly that the next step came too late, or not at all.
void Database::measure_from_now() {
  awake_->grown_at = environment_.clock->steady();
  awake_->grown_bytes = bytes_logged();
}

bool Database::checkpoints_by_stepping_aside() const {
  return capture_->helps_to_step_aside() && awake_->checkpoint_policy.easy_frames <= kAutocheckpointFrames;
}

// Not when somebody has asked for a shorter one.
bool Database::lets_log_grow() const {
  return checkpoints_by_stepping_aside() && awake_->checkpoint_policy.easy_frames == kAutocheckpointFrames &&
         capture_->finds_no_gaps();
}

std::uint64_t Database::wanted_frames() const {
  if (!checkpoints_by_stepping_aside()) return kAutocheckpointFrames * 4 / 5;
  return lets_log_grow() ? kFramesWithoutGaps : kAutocheckpointFrames;
}

// When tend() has something to do: before applications begin to checkpoint. nullopt = the log does not grow.
std::optional<std::chrono::milliseconds> Database::long_in() {
  const std::uint64_t frames = capture_->log_frames(), wanted = wanted_frames();
  if (frames >= wanted) return std::chrono::milliseconds(0);
  const auto wait = grown_in(frames, wanted, awake_->growth);
  return wait && checkpoints_by_stepping_aside() ? std::max(*wait, kAhead) - kAhead : wait;
}

// A log with unsummed frames must not be left for recovery, which would end before them and then write pages older than
// those that were backfilled. Its writers restart it when they go on; when they do not, it is truncated, so that
// nothing is to be recovered should everybody be killed. That takes the write lock for a moment, so not beside writers.
// When to look again; nullopt: it is done.
Result<std::optional<std::chrono::milliseconds>> Database::truncate_unrecoverable() {
  const auto now = environment_.clock->steady();
  const std::uint64_t bytes = bytes_logged();
  if (std::exchange(awake_->quiet_bytes, bytes) != bytes) awake_->quiet_from = now;
  const auto quiet = std::chrono::duration_cast<std::chrono::milliseconds>(now - awake_->quiet_from);
  if (quiet < kQuiet) return std::optional(kQuiet - quiet);
  auto done = capture_->checkpoint_easily();
  if (!done) return pass(done);
  if (*done != Capture::Backfill::complete) return std::optional(kAgain);
  auto truncated = capture_->truncate_log();
  if (!truncated) return pass(truncated);
  return *truncated ? std::nullopt : std::optional(kAgain);
}

Result<Database::Captured> Database::tend(const Call& call) {
  auto lock = lock_lane(capture_lock_, call, "tend");
  if (!lock) return pass(lock);
  Captured result;
  if (!capture_ || !capture_->attached()) return result;
  if (capture_->is_unrecoverable()) {
    auto truncate_in = truncate_unrecoverable();
    if (!truncate_in) detach_after(truncate_in.error());
    refresh_status();
    if (!truncate_in) return pass(truncate_in);
    result.truncate_in = *truncate_in;
  }
  measure_growth();
  // From 1,000 frames on the application tries to checkpoint at each commit. It sees at once that there is nothing to
  // do when all before the pin is backfilled; in vain from mark 0 it would look at all of the log first.
  if (lets_log_grow()) {
    if (auto done = capture_->backfill_ahead(); !done) return pass(done);
  }
  result.tend_in = long_in();
  if (!result.tend_in || *result.tend_in > kSoon || awake_->growth.frames == 0) return result;
  if (!checkpoints_by_stepping_aside()) {
    result.tend_in.reset();
    auto done = capture_->backfill_ahead();
    return done ? Result<Captured>(result) : pass(done);
  }
  const std::uint64_t before = capture_->counters().files;
  // Between two commits it costs their writer nothing; the application's own checkpoint is part of one of them.
  auto done = capture_->checkpoint_in_gaps();
  if (done && *done != Capture::Backfill::complete) done = step_aside();
  if (!done) detach_after(done.error());
  result.files = static_cast<std::size_t>(capture_->counters().files - before);
  refresh_status();
  if (!done) return pass(done);
  if (*done == Capture::Backfill::complete) awake_->last_checkpoint = environment_.clock->steady();
  measure_from_now();
  result.tend_in = lets_log_grow() ? kBegun : long_in();
  return result;
}

// Before the next capture it is so long that tend() steps aside.
bool Database::is_tended_soon() const {
  constexpr std::chrono::seconds kSoonEnough{1};
  const auto wait = grown_in(capture_->wal_frames(), kFramesWithoutGaps, awake_->growth);
  return lets_log_grow() && wait && *wait <= kSoonEnough;
}

Result<Capture::Backfill> Database::step_aside() {
  const Looks looks = looks_for(awake_->growth);
  return capture_->step_aside([&] { std::this_thread::sleep_for(looks.pause); }, looks.count);
}

}  // namespace replica::engine

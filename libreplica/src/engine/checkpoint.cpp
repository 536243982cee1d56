// Moving the pin and checkpointing, so that the WAL can be restarted without a frame being lost. docs/architecture.md,
// lock protocol, argues why.
#include <algorithm>
#include <thread>
#include <utility>

#include "engine/capture.hpp"
#include "engine/checkpoint_policy.hpp"

namespace replica::engine {
namespace {

constexpr int kGapAttempts = 4;
constexpr std::chrono::microseconds kLook{100};
constexpr int kLooks = 25;  // at least 2.5 ms: the gaps of writers that commit more seldom are easily met

}  // namespace

Result<void> Capture::swap() {
  auto next = open_pin();
  if (!next) return pass(next);
  return capture_and_move(*next);
}

Result<void> Capture::capture_and_move(Pin& next) {
  auto index = next.wal_index();
  if (!index) return pass(index);
  const std::uint64_t anchors = counters_.anchors;
  if (auto r = capture_to(*index, Into::memory); !r) return pass(r);
  if (counters_.anchors != anchors) return {};  // anchoring has moved the pin already
  std::swap(*pin_, next);
  may_restart_ = true;
  return {};
}

Result<void> Capture::swap(Pin& spare) {
  if (auto r = spare.connection().begin_read(); !r) return r;
  if (auto r = capture_and_move(spare); !r) return r;
  return spare.connection().end_read();
}

// What was committed since the last capture is pinned by the next pin, so that it can be captured after the checkpoint:
// writing a file in between would give writers the time to commit again.
Result<void> Capture::step_pin(Pin& spare) {
  if (auto r = hold(); !r) return pass(r);  // all that the old pin holds back
  if (auto r = spare.connection().begin_read(); !r) return r;
  auto index = spare.wal_index();
  if (!index) return pass(index);
  if (index->salts != position_.salts) {
    if (auto r = capture_and_move(spare); !r) return r;
  } else {
    std::swap(*pin_, spare);
    may_restart_ = index->max_frame == position_.frames;
  }
  return spare.connection().end_read();
}

// One that knows the database is in WAL mode: a connection that has read nothing checkpoints nothing.
Result<Pin> Capture::open_spare() const {
  auto spare = open_pin();
  if (!spare) return spare;
  if (auto r = spare->connection().end_read(); !r) return pass(r);
  return spare;
}

Result<Capture::Backfill> Capture::checkpoint_easily() {
  const int attempts = std::exchange(easy_attempts_, kEasyAttempts);
  auto done = checkpoint_easily(attempts);
  if (done && *done == Backfill::complete) gaps_.tried(true);
  // Nobody has stepped aside for a log as short as this: whether that helps is as it was.
  const bool in_vain = done && *done == Backfill::behind_writers;
  if (in_vain && position_.frames < kAutocheckpointFrames) easy_attempts_ = attempts;
  return done;
}

Result<Capture::Backfill> Capture::checkpoint_in_gaps() {
  if (!gaps_.due()) return Backfill::behind_writers;
  auto done = checkpoint_easily(kGapAttempts);
  if (done) gaps_.tried(*done == Backfill::complete);
  return done;
}

Result<bool> Capture::await_commit(const std::function<void()>& pause, int looks) {
  auto before = pin_->wal_index();
  if (!before) return pass(before);
  for (int look = 0; look < looks; ++look) {
    pause();
    auto now = pin_->wal_index();
    if (!now) return pass(now);
    if (now->max_frame != before->max_frame || now->salts != before->salts) return true;
  }
  return false;
}

// Each attempt wants a gap between commits that is longer than a checkpoint of a few frames. Those after the first, of
// which little is left to do, begin right behind a commit: they have all of the gap that its writer leaves.
Result<Capture::Backfill> Capture::checkpoint_easily(int attempts) {
  auto spare = open_spare();
  if (!spare) return pass(spare);
  std::optional<std::uint32_t> stuck_at;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    if (attempt > 0) {
      if (auto r = await_commit([] { std::this_thread::sleep_for(kLook); }, kLooks); !r) return pass(r);
    }
    if (auto r = step_pin(*spare); !r) return pass(r);
    const std::uint64_t pinned = position_.frames;  // at least
    const Salts salts = position_.salts;
    auto ran = spare->connection().checkpoint_passive();
    if (!ran) return pass(ran);
    ++counters_.passive_checkpoints;
    auto index = pin_->wal_index();
    if (!index) return pass(index);
    const bool short_of_pin = *ran && index->salts == salts && index->backfilled < pinned;
    // A reader of the application that stays holds it back; most are gone by the next attempt.
    const bool held_back = short_of_pin && stuck_at == index->backfilled;
    stuck_at = short_of_pin ? std::optional(index->backfilled) : std::nullopt;
    if (auto r = swap(*spare); !r) return pass(r);
    index = pin_->wal_index();
    if (!index) return pass(index);
    if (index->salts != salts || index->backfilled >= index->max_frame) {
      frames_since_checkpoint_ = 0;  // the next writer restarts the log by itself, or has done so
      pin_->connection().release_wal_index();
      return Backfill::complete;
    }
    if (held_back) return Backfill::held_back;
    if (!*ran) break;  // the application checkpoints by itself
  }
  return Backfill::behind_writers;
}

// The pin of before; nullopt: it stays.
Result<std::optional<Pin>> Capture::move_pin_ahead() {
  auto before = pin_->wal_index();
  if (!before) return pass(before);
  // In the generation we know, or in the one that has followed it: nothing of either may be lost by moving the pin.
  if (before->salts != position_.salts && !may_restart_) return std::nullopt;
  if (before->max_frame == 0 || before->backfilled != 0) return std::nullopt;
  auto next = open_pin();
  if (!next) return pass(next);
  auto index = next->wal_index();
  if (!index) return pass(index);
  // Not everything was backfilled when it began, so that its mark is above 0: it keeps the log from being restarted.
  if (index->salts != before->salts || index->backfilled >= before->max_frame) return std::nullopt;
  if (index->salts == position_.salts) may_restart_ = false;
  std::swap(*pin_, *next);
  return std::optional(std::move(*next));
}

Result<bool> Capture::backfill_ahead() {
  auto old = move_pin_ahead();
  if (!old) return pass(old);
  if (!*old) return false;
  if (auto r = (*old)->connection().end_read(); !r) return pass(r);
  if (auto r = (*old)->connection().checkpoint_passive(); !r) return pass(r);
  ++counters_.passive_checkpoints;
  return true;
}

// Who has the write lock may itself wait for the pin to move, as a RESTART checkpoint of the application does.
Result<void> Capture::lock_out_writers(io::Connection& writer, Pin& spare) {
  constexpr std::chrono::milliseconds kStill{20};
  writer.set_busy_timeout(std::min(kStill, settings_.busy_timeout));
  for (auto left = settings_.busy_timeout;; left -= kStill) {
    auto locked = writer.begin_write();
    if (locked || locked.error().code != Errc::busy || left <= kStill) return locked;
    if (auto r = swap(spare); !r) return r;
  }
}

Result<void> Capture::checkpoint_hard() {
  auto checkpointer = open_spare();
  if (!checkpointer) return pass(checkpointer);
  auto writer = io::Connection::open(settings_.path, connection_options());
  if (!writer) return pass(writer);
  if (auto r = lock_out_writers(*writer, *checkpointer); !r) return r;
  auto done = [&]() -> Result<void> {
    if (auto r = capture(); !r) return pass(r);
    pin_.reset();
    auto passive = checkpointer->connection().checkpoint_passive();
    auto pin = open_pin();
    if (!pin) checkpointer->connection().checkpoint_on_close();  // the last of ours then
    if (!pin) return pass(pin);
    pin_.emplace(std::move(*pin));
    may_restart_ = true;
    return passive ? Result<void>() : pass(passive);
  }();
  auto released = writer->end_write();
  if (!done) return done;
  if (!released) return released;
  ++counters_.hard_checkpoints;
  frames_since_checkpoint_ = 0;
  return {};
}

Result<bool> Capture::truncate_log() {
  auto spare = open_spare();
  if (!spare) return pass(spare);
  spare->connection().set_busy_timeout(std::chrono::milliseconds(0));
  // The pin is on mark 0, or it refuses.
  auto truncated = spare->connection().truncate_log();
  if (!truncated || !*truncated) return truncated;
  unrecoverable_.reset();
  if (auto r = swap(); !r) return pass(r);
  return true;
}

}  // namespace replica::engine

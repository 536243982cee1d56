#include "replicator/scheduler.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "replica/restore.hpp"

namespace replica::replicator {
namespace {

constexpr int kMaintainThreads = 2;
constexpr std::chrono::milliseconds kFirstTend{100};  // how fast the log grows now

}  // namespace

Scheduler::Scheduler(const ReplicatorOptions& options, engine::Environment environment)
    : environment_(environment),
      lag_limit_(options.lag_limit),
      capture_pool_(std::max(1, options.threads)),
      ship_pool_(std::max(1, options.threads)),
      maintain_pool_(kMaintainThreads) {
  auto watch = io::DirectoryWatch::open();
  if (!watch) {
    environment_.logger->log(LogLevel::warn, "no change events, polling only", {{"error", watch.error().message}});
    return;
  }
  watch_ = std::move(*watch);
  watcher_ = std::thread([this] { watch_events(); });
}

Scheduler::~Scheduler() { stop(); }

QueueDepths Scheduler::queue_depths() const {
  return {.capture = capture_pool_.waiting(), .ship = ship_pool_.waiting(), .maintain = maintain_pool_.waiting()};
}

void Scheduler::stop() {
  if (watch_) watch_->interrupt();
  if (watcher_.joinable()) watcher_.join();
  timer_.stop();
  capture_pool_.stop();
  ship_pool_.stop();
  maintain_pool_.stop();
}

WorkerPool& Scheduler::pool(Lane lane) {
  switch (lane) {
    case Lane::capture:
    case Lane::tend:
      return capture_pool_;
    case Lane::ship:
      return ship_pool_;
    case Lane::maintain:
      break;
  }
  return maintain_pool_;
}

void Scheduler::enable(const std::shared_ptr<Entry>& entry) {
  watch_directory(entry);
  request(entry, Lane::capture, now());
}

void Scheduler::disable(const std::shared_ptr<Entry>& entry) {
  std::unique_lock lock(entry->lock);
  entry->stop.request_stop();
  for (LaneState& lane : entry->lanes) lane.due.reset();
  entry->changed.wait(lock, [&] { return entry->idle(); });
  const bool watched = std::exchange(entry->watched, false);
  const bool muted = std::exchange(entry->muted, false);
  lock.unlock();
  if (!watched) return;
  forget_watched(*entry);
  if (!muted) watch_->remove(io::parent_of(entry->database.config().path));
}

void Scheduler::request(const std::shared_ptr<Entry>& entry, Lane lane, Steady when) {
  {
    const std::lock_guard guard(entry->lock);
    LaneState& state = entry->lane(lane);
    if (state.not_before) when = std::max(when, *state.not_before);
    if (entry->phase != Phase::open || (state.due && *state.due <= when)) return;
    state.due = when;
    if (state.running) return;  // looked at when the run ends
  }
  dispatch(entry, lane);
}

// After a failure of the lane that runs now: neither what was asked for meanwhile nor what is captured from now on cuts
// the pause short.
void Scheduler::postpone(Entry& entry, Lane lane, int failures) {
  const auto until = now() + backoff(failures, entry.database.config().path);
  const std::lock_guard guard(entry.lock);
  LaneState& state = entry.lane(lane);
  state.not_before = until;
  if (entry.phase == Phase::open) state.due = until;
}

void Scheduler::end_pause(Entry& entry, Lane lane) {
  const std::lock_guard guard(entry.lock);
  entry.lane(lane).not_before.reset();
}

// Sends a due lane to its pool, now or when its time has come.
void Scheduler::dispatch(const std::shared_ptr<Entry>& entry, Lane lane) {
  Steady when;
  {
    const std::lock_guard guard(entry->lock);
    const LaneState& state = entry->lane(lane);
    if (!state.due || state.running) return;
    when = *state.due;
  }
  if (when <= now()) {
    pool(lane).submit([this, entry, lane] { run(entry, lane); });
  } else {
    timer_.at(when, [this, weak = std::weak_ptr(entry), lane] {
      if (auto alive = weak.lock()) dispatch(alive, lane);
    });
  }
}

void Scheduler::run(const std::shared_ptr<Entry>& entry, Lane lane) {
  Call call;
  {
    const std::lock_guard guard(entry->lock);
    LaneState& state = entry->lane(lane);
    // A request that was answered, moved or withdrawn meanwhile.
    if (entry->phase != Phase::open || state.running || !state.due || *state.due > now()) return;
    state.due.reset();
    state.running = true;
    if (lane == Lane::capture) ++entry->captures_begun;
    call.stop = entry->stop.get_token();
  }
  switch (lane) {
    case Lane::capture:
      run_capture(entry, call);
      break;
    case Lane::ship:
      run_ship(entry, call);
      break;
    case Lane::maintain:
      run_maintain(entry, call);
      break;
    case Lane::tend:
      run_tend(entry, call);
      break;
  }
  {
    const std::lock_guard guard(entry->lock);
    entry->lane(lane).running = false;
  }
  entry->changed.notify_all();
  dispatch(entry, lane);
}

void Scheduler::run_capture(const std::shared_ptr<Entry>& entry, const Call& call) {
  engine::Database& database = entry->database;
  const DatabaseConfig& config = database.config();
  const auto start = now();
  auto captured = [&]() -> Result<engine::Database::Captured> {
    if (auto r = restore_missing(*entry, call); !r) return pass(r);
    return database.capture(call);
  }();
  const auto time = now();
  if (!captured) {
    const int failures = count_failure(*entry, Lane::capture, captured.error(), "capture failed");
    watch_lag(entry);
    const bool waiting = captured.error().code == Errc::not_found;  // for the application to make its database
    const auto pause = waiting && config.monitor_interval.count() > 0 ? config.monitor_interval : backoff(failures);
    request(entry, Lane::capture, time + pause);
    return;
  }
  const bool changed = captured->files > 0;
  bool busy = false, muted = false;
  int glances = 0;
  {
    const std::lock_guard guard(entry->lock);
    entry->lane(Lane::capture).failures = 0;
    entry->lane(Lane::capture).told.reset();
    entry->start_error.reset();
    entry->captures_done = entry->captures_begun;
    entry->captured = database.captured();
    muted = entry->muted;
    if (changed) {
      busy = entry->last_change && start - *entry->last_change <= 2 * spacing(config);
      entry->last_change = start;
      // What writers asked for meanwhile waits its turn too: a second file at once would be uploaded one interval later
      // and push the next upload away from the next capture.
      if (auto& due = entry->lane(Lane::capture).due) due = std::max(*due, start + spacing(config));
    }
    glances = changed ? 0 : entry->glances;
    entry->glances = glances > 0 ? glances - 1 : 0;
  }
  if (captured->attached_now) {
    watch_directory(entry);
    entry->changed.notify_all();
  }
  if (busy) {
    mute(*entry);
    request(entry, Lane::capture, start + spacing(config));
  } else if (muted) {
    unmute(*entry);
    request(entry, Lane::capture, time);  // for what was written before the watch was back
  }
  if (changed) request(entry, Lane::tend, time + std::min(kFirstTend, captured->tend_in.value_or(kFirstTend)));
  if (changed) watch_lag(entry);
  if (changed || captured->attached_now || database.replicated() < database.captured()) {
    Steady when = time;
    {
      const std::lock_guard guard(entry->lock);
      if (entry->last_upload) when = std::max(when, *entry->last_upload + config.sync_interval);
    }
    request(entry, Lane::ship, when);
  }
  if (glances > 0) request(entry, Lane::capture, time + std::chrono::milliseconds(1 << (kGlances - glances)));
  if (config.monitor_interval.count() > 0) request(entry, Lane::capture, time + config.monitor_interval);
}

void Scheduler::run_tend(const std::shared_ptr<Entry>& entry, const Call& call) {
  auto tended = entry->database.tend(call);
  if (!tended) {
    // The next capture meets what is wrong, and says so.
    environment_.logger->log(LogLevel::debug, "not tended",
                             {{"path", entry->database.config().path}, {"error", tended.error().message}});
    return;
  }
  // What was captured on the way is uploaded with what the next capture finds.
  if (tended->tend_in && *tended->tend_in < spacing(entry->database.config()))
    request(entry, Lane::tend, now() + std::max(*tended->tend_in, std::chrono::milliseconds(1)));
}

void Scheduler::run_ship(const std::shared_ptr<Entry>& entry, const Call& call) {
  const auto start = now();
  const TxId before = entry->database.replicated();
  auto shipped = entry->database.ship(call);
  if (!shipped) {
    const int failures = count_failure(*entry, Lane::ship, shipped.error(), "upload failed");
    postpone(*entry, Lane::ship, failures);
    return;
  }
  {
    const std::lock_guard guard(entry->lock);
    entry->lane(Lane::ship).failures = 0;
    entry->lane(Lane::ship).told.reset();
    entry->lane(Lane::ship).not_before.reset();
    if (*shipped != before) {
      // Counted from the capture, else one slow upload would put off all later ones.
      const auto change = std::min(start, entry->last_change.value_or(start));
      const auto spaced = entry->last_upload.value_or(change) + entry->database.config().sync_interval;
      entry->last_upload = std::max(change, std::min(start, spaced));
    }
  }
  watch_lag(entry);
  after_maintenance_change(entry);
}

void Scheduler::run_maintain(const std::shared_ptr<Entry>& entry, const Call& call) {
  auto maintained = entry->database.maintain(call);
  if (!maintained) {
    const int failures = count_failure(*entry, Lane::maintain, maintained.error(), "maintenance failed");
    postpone(*entry, Lane::maintain, failures);
    return;
  }
  entry->database.note_maintained();
  {
    const std::lock_guard guard(entry->lock);
    entry->lane(Lane::maintain).failures = 0;
    entry->lane(Lane::maintain).told.reset();
    entry->lane(Lane::maintain).not_before.reset();
  }
  after_maintenance_change(entry);
}

void Scheduler::after_maintenance_change(const std::shared_ptr<Entry>& entry) {
  const auto next = entry->database.next_maintenance();
  if (!next) return;
  const auto wait = std::max(*next - environment_.clock->now(), std::chrono::milliseconds(0));
  request(entry, Lane::maintain, now() + wait);
}

int Scheduler::count_failure(Entry& entry, Lane lane, const Error& error, std::string_view what) {
  if (error.code == Errc::cancelled) return 1;
  entry.database.note_error(error, lane == Lane::maintain);
  const std::string& path = entry.database.config().path;
  const std::string code(name(error.code));
  if (lane == Lane::ship && entry.database.note_upload_failure(error))
    publish({.kind = EventKind::auth_failed,
             .path = path,
             .txid = entry.database.captured(),
             .code = code,
             .detail = error.message});
  const std::lock_guard guard(entry.lock);
  const int failures = ++entry.lane(lane).failures;
  if (lane == Lane::capture) entry.start_error = error;
  if (std::exchange(entry.lane(lane).told, error.code) != error.code) {
    publish({.kind = EventKind::error,
             .path = path,
             .txid = entry.database.captured(),
             .code = code,
             .detail = base::concat(what, ": ", error.message)});
  }
  // Every failure while they are few, then each 10th: a store that is down for a day must not flood the log.
  if (failures <= 3 || failures % 10 == 0) {
    environment_.logger->log(LogLevel::error, what,
                             {{"path", path}, {"error", error.message}, {"failures", std::to_string(failures)}});
  }
  return failures;
}

Result<void> Scheduler::restore_missing(Entry& entry, const Call& call) {
  const DatabaseConfig& config = entry.database.config();
  if (!config.restore_if_not_exists || !config.backend) return {};
  auto info = io::stat_path(config.path);
  if (info || info.error().code != Errc::not_found) return {};
  const Replica replica(config.backend, config.backend_path, config.key_layout);
  auto plan = plan_restore(replica, {}, call);
  if (!plan && plan.error().code == Errc::not_found) return {};  // nothing there: start fresh
  if (!plan) return pass(plan, "restore before replicating");
  auto restored = apply_restore(replica, *plan, {.output = config.path}, call);
  if (!restored) return pass(restored, "restore before replicating");
  publish({.kind = EventKind::restored, .path = config.path, .txid = restored->txid});
  environment_.logger->log(LogLevel::info, "restore completed",
                           {{"path", config.path}, {"txid", restored->txid.text()}});
  return {};
}

}  // namespace replica::replicator

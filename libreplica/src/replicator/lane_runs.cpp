// What a run of each lane does, and what it asks for next.
#include <algorithm>

#include "base/text.hpp"
#include "replica/several.hpp"
#include "replicator/scheduler.hpp"

namespace replica::replicator {
namespace {

constexpr std::chrono::milliseconds kFirstTend{100};  // how fast the log grows now

// Maintenance that is due gives way to captures that wait for a thread: so much for each, which is about what it takes.
constexpr std::chrono::milliseconds kForEachWaiting{2};
constexpr std::chrono::milliseconds kLongestAfterOthers{20'000};

}  // namespace

void Scheduler::run_capture(const std::shared_ptr<Entry>& entry, OpenPlaces::Use& use, const Call& call) {
  engine::Database& database = entry->database;
  const engine::Settings& config = database.config();
  const auto start = now();
  const bool announced = [&] {
    const std::lock_guard guard(entry->lock);
    ++entry->captures_begun;
    return entry->attention.look() || entry->muted || !entry->watched;
  }();
  auto captured = [&]() -> Result<engine::Database::Captured> {
    auto rests = stay_at_rest(entry, call);
    if (!rests) return pass(rests);
    if (*rests) return engine::Database::Captured{};
    if (auto r = restore_missing(*entry, call); !r) return pass(r);
    auto done = database.capture(call, use.opening());
    if (!done || !done->left_closed) return done;
    use = places_.enter(entry, Lane::capture);
    return use ? database.capture(call, use.opening()) : done;
  }();
  const auto time = now();
  if (!captured) {
    const int failures = count_failure(*entry, Lane::capture, captured.error(), "capture failed");
    watch_lag(entry);
    const bool waiting = captured.error().code == Errc::not_found;  // for the application to make its database
    const auto pause = waiting && config->monitor_interval.count() > 0 ? config->monitor_interval : backoff(failures);
    request(entry, Lane::capture, time + pause);
    return;
  }
  if (captured->left_closed) return;  // it stands in line for a place
  const bool changed = captured->files > 0;
  bool first = false;  // which writes all of it
  bool busy = false, muted = false, polled = false;
  int glances = 0;
  {
    const std::lock_guard guard(entry->lock);
    entry->lane(Lane::capture).failures = 0;
    entry->lane(Lane::capture).told.reset();
    entry->start_error.reset();
    entry->captures_done = entry->captures_begun;
    first = !entry->captured;
    entry->captured = database.captured();
    muted = entry->muted;
    polled = entry->polled;
    if (changed) {
      entry->attention.found(announced || captured->attached_now, start);
      busy = entry->last_change && start - *entry->last_change <= 2 * spacing(config);
      entry->last_change = start;
      // What writers asked for meanwhile waits its turn too: a second file at once would be uploaded one interval later
      // and push the next upload away from the next capture.
      if (auto& due = entry->lane(Lane::capture).due) due = std::max(*due, start + spacing(config));
    }
    glances = changed ? 0 : entry->glances;
    entry->glances = glances > 0 ? glances - 1 : 0;
  }
  if (captured->attached_now || polled) watch_directory(entry);
  if (captured->attached_now) entry->changed.notify_all();
  if (busy) {
    mute(*entry);
    request(entry, Lane::capture, start + spacing(config));
  } else if (muted) {
    unmute(*entry);
    request(entry, Lane::capture, time);  // for what was written before the watch was back
  }
  if (changed) request(entry, Lane::tend, time + std::min(kFirstTend, captured->tend_in.value_or(kFirstTend)));
  if (changed && !(captured->attached_now && first)) places_.changed(*entry);
  if (changed) watch_lag(entry);
  request_uploads(entry, time, changed || captured->attached_now);
  if (glances > 0) request(entry, Lane::capture, time + std::chrono::milliseconds(1 << (kGlances - glances)));
  if (!changed && !captured->attached_now && glances == 0) hibernate_if_quiet(*entry, call);
  confirm_in_time(entry);
  if (config->monitor_interval.count() <= 0) return;
  request(entry, Lane::capture,
          Attention::together(time, next_look(*entry), config->monitor_interval, database.resting()));
}

// Of what is captured by now, to `all` destinations or to those that lack something.
void Scheduler::request_uploads(const std::shared_ptr<Entry>& entry, Steady earliest, bool all) {
  const engine::Database& database = entry->database;
  for (std::size_t n = 0; n < entry->destinations.size(); ++n) {
    const engine::Destination& destination = database.destination(n);
    if (!all && destination.replicated() >= database.captured()) continue;
    Steady when = earliest;
    {
      const std::lock_guard guard(entry->lock);
      const auto& last = entry->destinations[n].last_upload;
      if (last) when = std::max(when, *last + destination.sync_interval());
    }
    request(entry, {Lane::ship, n}, when);
  }
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
  if (tended->truncate_in) request(entry, Lane::tend, now() + *tended->truncate_in);
}

void Scheduler::run_ship(const std::shared_ptr<Entry>& entry, std::size_t number, OpenPlaces::Use& use,
                         const Call& call) {
  const LaneId id{Lane::ship, number};
  const auto start = now();
  engine::Destination& destination = entry->database.destination(number);
  const TxId before = destination.replicated();
  const bool slept = entry->database.resting();
  if (use && !entry->database.is_open() && lacks_something(entry->database, number)) {
    auto woken = wake(entry, call);
    if (!woken || !entry->database.is_open()) return request_now(entry, Lane::capture);  // which tells what is wrong
  }
  if (!destination.believed()) use.lighten();  // else it may have to be opened
  auto shipped = destination.ship(call);
  if (slept && !entry->database.resting()) look_soon(entry);
  if (!shipped) {
    const int failures = count_failure(*entry, id, shipped.error(), "upload failed");
    postpone(*entry, id, failures);
    return;
  }
  entry->database.note_uploaded();
  {
    const std::lock_guard guard(entry->lock);
    DestinationLanes& lanes = entry->destinations[number];
    lanes.ship.failures = 0;
    lanes.ship.told.reset();
    lanes.ship.not_before.reset();
    if (*shipped != before) {
      // Counted from the capture, else one slow upload would put off all later ones.
      const auto change = std::min(start, entry->last_change.value_or(start));
      const auto spaced = lanes.last_upload.value_or(change) + destination.sync_interval();
      lanes.last_upload = std::max(change, std::min(start, spaced));
    }
  }
  watch_lag(entry, number);
  after_maintenance_change(entry, number);
}

// False: it has to be opened for that, and stands in line for a place.
Result<bool> Scheduler::maintain(const std::shared_ptr<Entry>& entry, std::size_t number, OpenPlaces::Use& use,
                                 const Call& call) {
  auto at_rest = entry->database.maintain_at_rest(number, call);
  if (!at_rest || *at_rest) return at_rest;
  if (!use) use = places_.enter(entry, {Lane::maintain, number});
  if (!use) return false;
  if (auto r = wake(entry, call); !r) return pass(r);
  engine::Destination& destination = entry->database.destination(number);
  if (!destination.believed()) use.lighten();
  if (auto r = destination.maintain(call); !r) return pass(r);
  return true;
}

void Scheduler::run_maintain(const std::shared_ptr<Entry>& entry, std::size_t number, OpenPlaces::Use& use,
                             const Call& call) {
  const LaneId id{Lane::maintain, number};
  auto maintained = maintain(entry, number, use, call);
  if (maintained && !*maintained) return;
  if (!maintained) {
    const int failures = count_failure(*entry, id, maintained.error(), "maintenance failed");
    postpone(*entry, id, failures);
    return;
  }
  entry->database.destination(number).note_maintained();
  {
    const std::lock_guard guard(entry->lock);
    entry->lane(id).failures = 0;
    entry->lane(id).told.reset();
    entry->lane(id).not_before.reset();
  }
  after_maintenance_change(entry, number);
}

void Scheduler::after_maintenance_change(const std::shared_ptr<Entry>& entry, std::size_t number) {
  const auto next = entry->database.destination(number).next_maintenance();
  if (!next) return;
  auto wait = std::max(*next - environment_.clock->now(), std::chrono::milliseconds(0));
  // Of very many that begin at once all are uploaded before the first of them is maintained, or nearly so.
  if (wait.count() == 0)
    wait = std::min(kForEachWaiting * static_cast<int>(capture_pool_.waiting()), kLongestAfterOthers);
  request(entry, {Lane::maintain, number}, now() + wait);
}

int Scheduler::count_failure(Entry& entry, LaneId id, const Error& error, std::string_view what) {
  if (error.code == Errc::cancelled) return 1;
  engine::Database& database = entry.database;
  const std::string& path = database.config().path;
  const std::string code(name(error.code));
  const bool of_capture = id.lane == Lane::capture;
  const std::string label = of_capture ? std::string() : database.destination(id.destination).label();
  if (of_capture) {
    database.note_error(error);
  } else {
    database.note_error(id.destination, error, id.lane == Lane::maintain);
  }
  if (id.lane == Lane::ship && database.destination(id.destination).note_upload_failure(error))
    publish({.kind = EventKind::auth_failed,
             .path = path,
             .txid = database.captured(),
             .code = code,
             .detail = error.message,
             .replica = label});
  const std::lock_guard guard(entry.lock);
  const int failures = ++entry.lane(id).failures;
  if (of_capture) entry.start_error = std::make_unique<Error>(error);
  if (std::exchange(entry.lane(id).told, error.code) != error.code) {
    publish({.kind = EventKind::error,
             .path = path,
             .txid = database.captured(),
             .code = code,
             .detail = base::concat(what, ": ", error.message),
             .replica = label});
  }
  // Every failure while they are few, then each 10th: a store that is down for a day must not flood the log.
  if (failures <= 3 || failures % 10 == 0) {
    std::vector<LogField> fields{{"path", path}, {"error", error.message}, {"failures", std::to_string(failures)}};
    if (!label.empty()) fields.push_back({"replica", label});
    if (environment_.logger->enabled(LogLevel::error)) environment_.logger->write(LogLevel::error, what, fields);
  }
  return failures;
}

Result<void> Scheduler::restore_missing(Entry& entry, const Call& call) {
  const engine::Settings& config = entry.database.config();
  if (!config->restore_if_not_exists || entry.database.destinations() == 0) return {};
  auto info = io::stat_path(config.path);
  if (info || info.error().code != Errc::not_found) return {};
  std::vector<Replica> replicas;
  replicas.reserve(entry.database.destinations());
  for (std::size_t n = 0; n < entry.database.destinations(); ++n)
    replicas.push_back(entry.database.destination(n).replica());
  const auto tell = [&](std::size_t number, const Error& error) {
    environment_.logger->log(
        LogLevel::warn, "restoring from another replica",
        {{"path", config.path}, {"replica", entry.database.destination(number).label()}, {"error", error.message}});
  };
  const Ranking ranking = rank_replicas(replicas, {}, call);
  if (ranking.order.empty() && ranking.failed.empty()) return {};  // nothing there: start fresh
  auto from = restore_ranked(replicas, ranking, {}, {.output = config.path}, call, tell);
  if (!from) return pass(from, "restore before replicating");
  const RestoreOutcome* restored = &from->outcome;
  publish({.kind = EventKind::restored, .path = config.path, .txid = restored->txid});
  environment_.logger->log(LogLevel::info, "restore completed",
                           {{"path", config.path}, {"txid", restored->txid.text()}});
  return {};
}

}  // namespace replica::replicator

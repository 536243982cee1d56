#include "replicator/scheduler.hpp"

#include <algorithm>
#include <bit>

namespace replica::replicator {
namespace {

constexpr int kMaintainThreads = 2;
constexpr std::uint64_t kSmall = 1U << 20;

}  // namespace

Scheduler::Scheduler(const ReplicatorOptions& options, engine::Environment environment, Known known)
    : environment_(environment),
      lag_limit_(options.lag_limit),
      loses_event_(options.loses_event),
      after_rest_(options.after_rest),
      known_(std::move(known)),
      capture_pool_(options.threads, timer_),
      ship_pool_(options.threads, timer_),
      maintain_pool_(kMaintainThreads, timer_),
      places_(
          options.max_open_databases, environment_, timer_,
          [this](const std::shared_ptr<Entry>& entry, LaneId id) { request_now(entry, id); },
          [this](std::function<void()> job) { capture_pool_.submit({.run = std::move(job)}); }, options.threads) {
  auto watch = io::DirectoryWatch::open(options.max_watches);
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
  for (std::size_t n = 0; n < entry->destinations.size(); ++n) {
    auto pace = pace_of(entry->database.destination(n).config());
    const std::lock_guard guard(entry->lock);
    entry->destinations[n].pace = std::move(pace);
  }
  {
    const std::lock_guard guard(entry->lock);
    entry->attention.begin(now());
  }
  watch_directory(entry);
  request(entry, Lane::capture, now());
}

void Scheduler::disable(const std::shared_ptr<Entry>& entry) {
  std::unique_lock lock(entry->lock);
  entry->stop.request_stop();
  for (const LaneId id : entry->all_lanes()) entry->lane(id).due.reset();
  entry->changed.wait(lock, [&] { return entry->idle(); });
  lock.unlock();
  places_.withdraw(*entry);
  lock.lock();
  const bool watched = std::exchange(entry->watched, false);
  const bool muted = std::exchange(entry->muted, false);
  lock.unlock();
  set_polled(*entry, false);
  if (!watched) return;
  if (!muted) watch_->remove(io::parent_of(entry->database.config().path));
}

void Scheduler::request(const std::shared_ptr<Entry>& entry, LaneId id, Steady when) {
  {
    const std::lock_guard guard(entry->lock);
    LaneState& state = entry->lane(id);
    if (state.not_before) when = std::max(when, *state.not_before);
    if (entry->phase != Phase::open || (state.due && *state.due <= when)) return;
    state.due = when;
    if (state.running) return;  // looked at when the run ends
  }
  dispatch(entry, id);
}

// After a failure of the lane that runs now: neither what was asked for meanwhile nor what is captured from now on cuts
// the pause short.
void Scheduler::postpone(Entry& entry, LaneId id, int failures) {
  const auto until = now() + backoff(failures, entry.database.config().path);
  const std::lock_guard guard(entry.lock);
  LaneState& state = entry.lane(id);
  state.not_before = until;
  if (entry.phase == Phase::open) state.due = until;
}

void Scheduler::end_pause(Entry& entry, LaneId id) {
  const std::lock_guard guard(entry.lock);
  entry.lane(id).not_before.reset();
}

// Sends a due lane to its pool, now or when its time has come. The timer looks at a lane that was put off no more than
// once, at the time it was meant for before.
void Scheduler::dispatch(const std::shared_ptr<Entry>& entry, LaneId id) {
  Steady when;
  bool later = false;
  {
    const std::lock_guard guard(entry->lock);
    LaneState& state = entry->lane(id);
    if (!state.due || state.running) return;
    when = *state.due;
    later = when > now();
    if (later && state.timer && *state.timer <= when) return;
    if (later) state.timer = when;
  }
  if (!later) return pool(id.lane).submit(job(entry, id));
  timer_.at(when, [this, weak = std::weak_ptr(entry), id](Steady meant) {
    const auto alive = weak.lock();
    if (!alive) return;
    {
      const std::lock_guard guard(alive->lock);
      auto& timer = alive->lane(id).timer;
      if (timer == meant) timer.reset();
    }
    dispatch(alive, id);
  });
}

namespace {

// The first capture and the first upload of a small database: they wait for disk or server rather than compute.
bool is_beginning(Entry& entry, LaneId id) {
  const bool first = id.lane == Lane::capture
                         ? !entry.database.captured()
                         : id.lane == Lane::ship && !entry.database.destination(id.destination).replicated();
  if (!first) return false;
  const auto info = io::stat_path(entry.database.config().path);
  return info && info->size <= kSmall;
}

}  // namespace

// A capture waits for a server only when it attaches; the first destination then stands for all.
Job Scheduler::job(const std::shared_ptr<Entry>& entry, LaneId id) {
  Job made{.run = [this, entry, id] { run(entry, id); }};
  const bool attached = id.lane == Lane::tend || (id.lane == Lane::capture && entry->database.captured());
  made.waits = is_beginning(*entry, id);
  const std::lock_guard guard(entry->lock);
  if (!attached && !entry->destinations.empty()) made.pace = entry->destinations[id.destination].pace;
  made.slow = (id.lane == Lane::ship || id.lane == Lane::maintain) && entry->lane(id).failures > 0;
  return made;
}

namespace {

// "s3://bucket" of "s3://bucket/path"
std::string server_of(const DestinationConfig& config) {
  if (!config.server.empty()) return config.server;
  if (config.url.empty()) return std::to_string(std::bit_cast<std::uintptr_t>(config.backend.get()));
  const std::size_t scheme = config.url.find("://");
  return config.url.substr(0, config.url.find('/', scheme == std::string::npos ? 0 : scheme + 3));
}

}  // namespace

std::shared_ptr<Pace> Scheduler::pace_of(const DestinationConfig& config) {
  const std::lock_guard guard(paces_lock_);
  std::erase_if(paces_, [](const auto& one) { return one.second.expired(); });
  auto& known = paces_[server_of(config)];
  auto pace = known.lock();
  if (!pace) known = pace = std::make_shared<Pace>();
  return pace;
}

void Scheduler::run(const std::shared_ptr<Entry>& entry, LaneId id) {
  Call call;
  {
    const std::lock_guard guard(entry->lock);
    LaneState& state = entry->lane(id);
    // A request that was answered, moved or withdrawn meanwhile.
    if (entry->phase != Phase::open || state.running || !state.due || *state.due > now()) return;
    state.due.reset();
    if (!entry->stop.stop_possible()) entry->stop = std::stop_source();
    state.running = true;
    call.stop = entry->stop.get_token();
  }
  OpenPlaces::Use use;
  if (admit(entry, id, use, call)) run_admitted(entry, id, use, call);
  {
    const std::lock_guard guard(entry->lock);
    entry->lane(id).running = false;
    if (entry->idle()) entry->stop = std::stop_source(std::nostopstate);
  }
  entry->changed.notify_all();
  dispatch(entry, id);
}

void Scheduler::run_admitted(const std::shared_ptr<Entry>& entry, LaneId id, OpenPlaces::Use& use, const Call& call) {
  switch (id.lane) {
    case Lane::capture:
      run_capture(entry, use, call);
      break;
    case Lane::tend:
      run_tend(entry, call);
      break;
    case Lane::ship:
      run_ship(entry, id.destination, use, call);
      break;
    case Lane::maintain:
      run_maintain(entry, id.destination, use, call);
      break;
  }
}

}  // namespace replica::replicator

#include "replica/replicator.hpp"

#include <map>

#include "base/text.hpp"
#include "engine/settings.hpp"
#include "replica/lasting_memory.hpp"
#include "replicator/helper_threads.hpp"
#include "replicator/letting_go.hpp"
#include "replicator/path_order.hpp"
#include "replicator/scheduler.hpp"
#include "replicator/shipping.hpp"
#include "replicator/stopping.hpp"
#include "replicator/waiting.hpp"

namespace replica {

using replicator::Entry;
using replicator::Lane;
using replicator::Phase;

struct Replicator::Impl {
  explicit Impl(ReplicatorOptions given)
      : options(std::move(given)),
        events(options.event_capacity, options.clock),
        helpers(replicator::helpers_for(options.threads)),
        environment{.clock = options.clock ? options.clock : &system_clock,
                    .logger = options.logger ? options.logger : &null_logger(),
                    .gate = nullptr,
                    .events = &events,
                    .helpers = &helpers,
                    .held = &held,
                    .lasting = &lasting,
                    .settings = &settings},
        scheduler(options, environment,
                  {.find = [this](std::string_view path) { return known(path); }, .all = [this] { return all(); }}) {}

  std::shared_ptr<Entry> known(std::string_view path) const {
    const std::lock_guard guard(lock);
    const auto found = entries.find(path);
    return found == entries.end() ? nullptr : found->second;
  }

  Result<std::shared_ptr<Entry>> find(const std::string& path) const {
    auto entry = known(path);
    if (!entry) return fail(Errc::not_found, "database not found: " + path);
    return entry;
  }
  // Whether it was open or not.
  Result<void> close(const std::shared_ptr<Entry>& entry, const Call& call) {
    auto stopped = replicator::stop_one(scheduler, entry, options.shutdown_sync_interval, call);
    return stopped || stopped.error().code == Errc::precondition_failed ? Result<void>{} : Result<void>(pass(stopped));
  }
  Result<std::shared_ptr<Entry>> find_open(const std::string& path) const {
    auto entry = find(path);
    if (!entry) return entry;
    const std::lock_guard guard((*entry)->lock);
    if ((*entry)->phase != Phase::open) return fail(Errc::precondition_failed, "database not open: " + path);
    return entry;
  }
  std::vector<std::shared_ptr<Entry>> all() const {
    const std::lock_guard guard(lock);
    std::vector<std::shared_ptr<Entry>> found;
    found.reserve(entries.size());
    for (const auto& [path, entry] : entries) found.push_back(entry);
    return found;
  }

  ReplicatorOptions options;
  SystemClock system_clock;
  EventBus events;
  replicator::HelperThreads helpers;
  std::atomic<std::size_t> held{0};
  LastingMemory lasting;
  engine::SharedSettings settings;
  engine::Environment environment;
  mutable std::mutex lock;
  // By the path that the entry holds. An event names the directory and the file.
  std::map<std::string_view, std::shared_ptr<Entry>, replicator::PathOrder> entries;
  replicator::Scheduler scheduler;
};

namespace {

// Counts a sync() among what is going on.
class Syncing {
 public:
  explicit Syncing(Entry& entry) : entry_(entry) { add(1); }
  Syncing(const Syncing&) = delete;
  Syncing& operator=(const Syncing&) = delete;
  ~Syncing() { add(-1); }

 private:
  void add(int n) {
    const std::lock_guard guard(entry_.lock);
    entry_.syncs += n;
  }
  Entry& entry_;
};

std::vector<TxId> uploaded(const engine::Database& database) {
  std::vector<TxId> positions;
  positions.reserve(database.destinations());
  for (std::size_t n = 0; n < database.destinations(); ++n) positions.push_back(database.destination(n).replicated());
  return positions;
}

Result<void> check_config(const DatabaseConfig& config) {
  const auto bad = [&](std::string_view why) {
    return fail(Errc::invalid_argument, base::concat("database ", config.path, ": ", why));
  };
  if (config.path.empty() || config.path.front() != '/') return bad("the path must be absolute");
  if (config.min_checkpoint_page_count <= 0) return bad("minimum checkpoint page count required");
  if (config.sync_interval.count() <= 0) return bad("sync interval must be greater than 0");
  for (const DestinationConfig& one : config.more_replicas) {
    if (!config.backend || !one.backend) return bad("a replica needs a backend");
    if (one.sync_interval.count() <= 0) return bad("sync interval must be greater than 0");
  }
  if (config.busy_timeout.count() < 0 || config.checkpoint_interval.count() < 0 || config.hibernate_after.count() < 0)
    return bad("a time must not be negative");
  return {};
}

}  // namespace

Replicator::Replicator(ReplicatorOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

Replicator::~Replicator() {
  for (const auto& entry : impl_->all()) {
    {
      const std::lock_guard guard(entry->lock);
      entry->phase = Phase::closing;
    }
    impl_->scheduler.disable(entry);
  }
  impl_->scheduler.stop();
}

Result<void> Replicator::add(const DatabaseConfig& config) {
  if (auto r = check_config(config); !r) return r;
  auto entry = std::make_shared<Entry>(config, impl_->options, impl_->environment);
  const std::string& path = entry->database.config().path;
  const std::lock_guard guard(impl_->lock);
  if (!impl_->entries.emplace(path, entry).second) {
    return fail(Errc::already_exists, "database already registered: " + path);
  }
  impl_->events.publish({.kind = EventKind::added, .path = path});
  return {};
}

Result<void> Replicator::remove(const std::string& path, const Call& call) {
  auto entry = impl_->find(path);
  if (!entry) return pass(entry);
  if (auto closed = impl_->close(*entry, call); !closed) return closed;
  const std::lock_guard guard(impl_->lock);
  if (impl_->entries.erase(path) > 0) impl_->events.publish({.kind = EventKind::removed, .path = path});
  return {};
}

Result<void> Replicator::replace(const DatabaseConfig& config, const Call& call) {
  if (auto r = check_config(config); !r) return r;
  auto entry = std::make_shared<Entry>(config, impl_->options, impl_->environment);
  const std::string& path = entry->database.config().path;
  for (;;) {
    const auto before = impl_->known(path);
    if (before) {
      if (auto closed = impl_->close(before, call); !closed) return closed;
    }
    const std::lock_guard guard(impl_->lock);
    const auto now = impl_->entries.find(path);
    if ((now == impl_->entries.end() ? nullptr : now->second) != before) continue;  // somebody else was faster
    if (before) {
      impl_->entries.erase(now);
      impl_->events.publish({.kind = EventKind::removed, .path = path});
    }
    impl_->entries.emplace(path, entry);
    impl_->events.publish({.kind = EventKind::added, .path = path});
    return {};
  }
}

Result<void> Replicator::start(const std::string& path, bool wait, const Call& call) {
  auto found = impl_->find(path);
  if (!found) return pass(found);
  const std::shared_ptr<Entry>& entry = *found;
  if (entry->database.destinations() == 0) {
    return fail(Errc::precondition_failed, "database has no replica configured: " + path);
  }
  {
    const std::lock_guard guard(entry->lock);
    if (entry->phase != Phase::closed) return fail(Errc::already_exists, "database already enabled: " + path);
    entry->phase = Phase::open;
    entry->start_error.reset();
    entry->capture = entry->tend = {};
    for (auto& lanes : entry->destinations) lanes = {};
  }
  impl_->scheduler.enable(entry);
  if (!wait) return {};
  auto place = impl_->scheduler.hurry(entry, call);
  if (!place) return pass(place, "start");
  std::unique_lock lock(entry->lock);
  while (!entry->database.status().ready) {
    if (entry->phase != Phase::open) return fail(Errc::cancelled, "database was stopped: " + path);
    if (auto r = call.check("start"); !r) {
      const std::string why = entry->start_error ? entry->start_error->message : std::string();
      return fail(r.error().code, r.error().message, why);
    }
    entry->changed.wait_for(lock, std::chrono::milliseconds(20));
  }
  return {};
}

Result<TxId> Replicator::stop(const std::string& path, const Call& call) {
  auto entry = impl_->find(path);
  if (!entry) return pass(entry);
  return replicator::stop_one(impl_->scheduler, *entry, impl_->options.shutdown_sync_interval, call);
}

void Replicator::let_go(const std::vector<Leaving>& databases, const Closed& closed, const Call& call) {
  std::vector<replicator::Departure> found;
  found.reserve(databases.size());
  for (const Leaving& one : databases) {
    auto entry = impl_->find(one.path);
    if (!entry) {
      closed(one.path, pass(entry));
      continue;
    }
    found.emplace_back(impl_->scheduler, *entry, one.replicas);
  }
  replicator::let_go(std::move(found), impl_->options.shutdown_sync_timeout, closed, call);
}

Result<SyncOutcome> Replicator::sync(const std::string& path, bool wait, const Call& call) {
  auto found = impl_->find_open(path);
  if (!found) return pass(found);
  const std::shared_ptr<Entry>& entry = *found;
  const Syncing syncing(*entry);
  engine::Database& database = entry->database;
  const TxId captured_before = database.captured();
  const auto uploaded_before = uploaded(database);
  auto opened = impl_->scheduler.capture(entry, wait, call);
  if (!opened) return pass(opened);
  const auto* captured = &opened->captured;
  const TxId target = database.captured();
  if (captured->attached_now) impl_->scheduler.look_soon(entry);
  if (captured->files > 0 || captured->attached_now) {
    const std::lock_guard guard(entry->lock);
    entry->last_change = impl_->environment.clock->steady();
  }
  if (wait) {
    if (auto r = replicator::ship_to_all(database, target, call); !r) return pass(r);
  }
  impl_->scheduler.note_progress(entry);
  for (std::size_t n = 0; n < database.destinations(); ++n) {
    const replicator::LaneId lane{Lane::ship, n};
    if (wait) impl_->scheduler.end_pause(*entry, lane);  // it went up
    impl_->scheduler.request(entry, lane, impl_->environment.clock->steady());
  }
  return SyncOutcome{target, database.replicated(), target != captured_before || uploaded(database) != uploaded_before};
}

Result<TxId> Replicator::wait_durable(const std::string& path, std::optional<TxId> txid, const Call& call) {
  auto entry = impl_->find(path);
  if (!entry) return pass(entry);
  return replicator::wait_durable(impl_->scheduler, *entry, txid, call);
}

Result<TxId> Replicator::snapshot(const std::string& path, const Call& call) {
  auto entry = impl_->find_open(path);
  if (!entry) return pass(entry);
  auto use = impl_->scheduler.open(*entry, call);
  if (!use) return pass(use);
  return (*entry)->database.snapshot(call);
}

Result<void> Replicator::enforce_retention(const std::string& path, const Call& call) {
  auto entry = impl_->find_open(path);
  if (!entry) return pass(entry);
  auto use = impl_->scheduler.open(*entry, call);
  if (!use) return pass(use);
  return (*entry)->database.enforce_retention(call);
}

namespace {

DatabaseStatus status_of(Entry& entry) {
  DatabaseStatus status = entry.database.status();
  const std::lock_guard guard(entry.lock);
  status.state = entry.phase == Phase::open ? DatabaseState::open : DatabaseState::closed;
  status.at_work = entry.phase == Phase::closing || entry.syncs > 0 || entry.capture.running || entry.shipping();
  return status;
}

}  // namespace

Result<DatabaseStatus> Replicator::status(const std::string& path) const {
  auto entry = impl_->find(path);
  if (!entry) return pass(entry);
  return status_of(**entry);
}

std::vector<DatabaseStatus> Replicator::list() const {
  std::vector<DatabaseStatus> statuses;
  for (const auto& entry : impl_->all()) statuses.push_back(status_of(*entry));
  return statuses;
}

std::vector<std::pair<std::string, DatabaseState>> Replicator::states() const {
  const std::lock_guard guard(impl_->lock);
  std::vector<std::pair<std::string, DatabaseState>> states;
  states.reserve(impl_->entries.size());
  for (const auto& [path, entry] : impl_->entries) {
    const std::lock_guard entry_guard(entry->lock);
    states.emplace_back(path, entry->phase == Phase::open ? DatabaseState::open : DatabaseState::closed);
  }
  return states;
}

DatabaseCounts Replicator::counts() const {
  const std::lock_guard guard(impl_->lock);
  DatabaseCounts counts{.registered = impl_->entries.size(), .held = impl_->held};
  for (const auto& [path, entry] : impl_->entries) {
    const std::lock_guard entry_guard(entry->lock);
    if (entry->phase == Phase::open) ++counts.open;
  }
  return counts;
}

QueueDepths Replicator::queue_depths() const { return impl_->scheduler.queue_depths(); }

EventBus& Replicator::events() noexcept { return impl_->events; }

std::vector<std::pair<std::string, Error>> Replicator::stop_all(const Call& call) {
  auto failures = replicator::stop_all(impl_->scheduler, impl_->all(), impl_->options, call);
  impl_->scheduler.stop();
  return failures;
}

}  // namespace replica

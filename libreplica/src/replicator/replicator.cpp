#include "replica/replicator.hpp"

#include <algorithm>
#include <map>
#include <thread>

#include "base/text.hpp"
#include "replicator/scheduler.hpp"

namespace replica {

using replicator::Entry;
using replicator::Lane;
using replicator::Phase;

struct Replicator::Impl {
  explicit Impl(ReplicatorOptions given)
      : options(std::move(given)),
        environment{.clock = options.clock ? options.clock : &system_clock,
                    .logger = options.logger ? options.logger : &null_logger()},
        scheduler(options, environment) {}

  Result<std::shared_ptr<Entry>> find(const std::string& path) const {
    const std::lock_guard guard(lock);
    const auto found = entries.find(path);
    if (found == entries.end()) return fail(Errc::not_found, "database not found: " + path);
    return found->second;
  }
  std::vector<std::shared_ptr<Entry>> all() const {
    const std::lock_guard guard(lock);
    std::vector<std::shared_ptr<Entry>> found;
    found.reserve(entries.size());
    for (const auto& [path, entry] : entries) found.push_back(entry);
    return found;
  }
  Result<void> flush(Entry& entry, const Call& call);
  Result<void> flush_patiently(Entry& entry, const Call& call);
  Result<TxId> stop(const std::shared_ptr<Entry>& entry, const Call& call);

  ReplicatorOptions options;
  SystemClock system_clock;
  engine::Environment environment;
  mutable std::mutex lock;
  std::map<std::string, std::shared_ptr<Entry>> entries;
  replicator::Scheduler scheduler;
};

namespace {

Result<void> check_config(const DatabaseConfig& config) {
  const auto bad = [&](std::string_view why) {
    return fail(Errc::invalid_argument, base::concat("database ", config.path, ": ", why));
  };
  if (config.path.empty() || config.path.front() != '/') return bad("the path must be absolute");
  if (config.min_checkpoint_page_count <= 0) return bad("minimum checkpoint page count required");
  if (config.sync_interval.count() <= 0) return bad("sync interval must be greater than 0");
  if (config.busy_timeout.count() < 0 || config.checkpoint_interval.count() < 0)
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

Result<void> Replicator::add(DatabaseConfig config) {
  if (auto r = check_config(config); !r) return r;
  const std::string path = config.path;
  auto entry = std::make_shared<Entry>(std::move(config), impl_->options, impl_->environment);
  const std::lock_guard guard(impl_->lock);
  if (!impl_->entries.emplace(path, std::move(entry)).second) {
    return fail(Errc::already_exists, "database already registered: " + path);
  }
  return {};
}

Result<void> Replicator::remove(const std::string& path, const Call& call) {
  auto entry = impl_->find(path);
  if (!entry) return pass(entry);
  auto stopped = impl_->stop(*entry, call);
  if (!stopped && stopped.error().code != Errc::precondition_failed) return pass(stopped);
  const std::lock_guard guard(impl_->lock);
  impl_->entries.erase(path);
  return {};
}

Result<void> Replicator::start(const std::string& path, bool wait, const Call& call) {
  auto found = impl_->find(path);
  if (!found) return pass(found);
  const std::shared_ptr<Entry>& entry = *found;
  if (!entry->database.config().backend) {
    return fail(Errc::precondition_failed, "database has no replica configured: " + path);
  }
  {
    const std::lock_guard guard(entry->lock);
    if (entry->phase != Phase::closed) return fail(Errc::already_exists, "database already enabled: " + path);
    entry->phase = Phase::open;
    entry->stop = std::stop_source();
    entry->start_error.reset();
    for (auto& lane : entry->lanes) lane = {};
  }
  impl_->scheduler.enable(entry);
  if (!wait) return {};
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

// Captures and uploads everything committed by now.
Result<void> Replicator::Impl::flush(Entry& entry, const Call& call) {
  auto captured = entry.database.capture(call);
  if (!captured && captured.error().code == Errc::not_found) {
    // No database file: what was captured before may still wait for its upload.
    if (!entry.database.captured()) return {};
  } else if (!captured) {
    return pass(captured);
  }
  const TxId target = entry.database.captured();
  while (entry.database.replicated() < target) {
    auto shipped = entry.database.ship(call);
    if (!shipped) return pass(shipped);
  }
  return {};
}

Result<void> Replicator::Impl::flush_patiently(Entry& entry, const Call& call) {
  for (;;) {
    auto flushed = flush(entry, call);
    if (flushed || !is_retryable(flushed.error())) return flushed;
    if (auto r = call.check("stop"); !r)
      return fail(Errc::timed_out, "timeout waiting for stop", flushed.error().message);
    const auto until = std::chrono::steady_clock::now() + options.shutdown_sync_interval;
    std::mutex unused;
    std::unique_lock guard(unused);
    std::condition_variable_any wake;
    wake.wait_until(guard, call.stop, call.deadline ? std::min(until, *call.deadline) : until, [] { return false; });
  }
}

Result<TxId> Replicator::Impl::stop(const std::shared_ptr<Entry>& entry, const Call& call) {
  {
    const std::lock_guard guard(entry->lock);
    if (entry->phase != Phase::open) {
      return fail(Errc::precondition_failed, "database already disabled: " + entry->database.config().path);
    }
    entry->phase = Phase::closing;
  }
  scheduler.disable(entry);
  auto flushed = flush_patiently(*entry, call);
  const bool given_up =
      !flushed && (flushed.error().code == Errc::timed_out || flushed.error().code == Errc::cancelled);
  const TxId txid = entry->database.captured();
  if (!given_up) entry->database.close();
  {
    const std::lock_guard guard(entry->lock);
    entry->phase = given_up ? Phase::open : Phase::closed;
    entry->stop = std::stop_source();
  }
  entry->changed.notify_all();
  if (given_up) scheduler.enable(entry);
  if (!flushed) return pass(flushed);
  return txid;
}

Result<TxId> Replicator::stop(const std::string& path, const Call& call) {
  auto entry = impl_->find(path);
  if (!entry) return pass(entry);
  return impl_->stop(*entry, call);
}

Result<SyncOutcome> Replicator::sync(const std::string& path, bool wait, const Call& call) {
  auto found = impl_->find(path);
  if (!found) return pass(found);
  const std::shared_ptr<Entry>& entry = *found;
  {
    const std::lock_guard guard(entry->lock);
    if (entry->phase != Phase::open) return fail(Errc::precondition_failed, "database not open: " + path);
  }
  engine::Database& database = entry->database;
  const TxId captured_before = database.captured(), replicated_before = database.replicated();
  auto captured = database.capture(call);
  if (!captured) return pass(captured);
  const TxId target = database.captured();
  if (captured->files > 0 || captured->attached_now) {
    const std::lock_guard guard(entry->lock);
    entry->last_change = impl_->environment.clock->steady();
  }
  while (wait && database.replicated() < target) {
    auto shipped = database.ship(call);
    if (!shipped) return pass(shipped);
  }
  impl_->scheduler.request(entry, Lane::ship, impl_->environment.clock->steady());
  return SyncOutcome{target, database.replicated(),
                     target != captured_before || database.replicated() != replicated_before};
}

Result<TxId> Replicator::snapshot(const std::string& path, const Call& call) {
  auto entry = impl_->find(path);
  if (!entry) return pass(entry);
  {
    const std::lock_guard guard((*entry)->lock);
    if ((*entry)->phase != Phase::open) return fail(Errc::precondition_failed, "database not open: " + path);
  }
  return (*entry)->database.snapshot(call);
}

namespace {

DatabaseStatus status_of(Entry& entry) {
  DatabaseStatus status = entry.database.status();
  const std::lock_guard guard(entry.lock);
  status.state = entry.phase == Phase::open ? DatabaseState::open : DatabaseState::closed;
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

std::vector<std::pair<std::string, Error>> Replicator::stop_all(const Call& call) {
  Call patience = call;
  const auto limit = std::chrono::steady_clock::now() + impl_->options.shutdown_sync_timeout;
  patience.deadline = call.deadline ? std::min(*call.deadline, limit) : limit;
  std::vector<std::pair<std::string, Error>> failures;
  std::mutex failures_lock;
  const auto entries = impl_->all();
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < entries.size(); i = next++) {
      auto stopped = impl_->stop(entries[i], patience);
      if (stopped || stopped.error().code == Errc::precondition_failed) continue;
      const std::lock_guard guard(failures_lock);
      failures.emplace_back(entries[i]->database.config().path, stopped.error());
    }
  };
  std::vector<std::thread> workers;
  const auto count =
      std::min<std::size_t>(static_cast<std::size_t>(std::max(1, impl_->options.threads)), entries.size());
  workers.reserve(count);
  for (std::size_t i = 0; i < count; ++i) workers.emplace_back(work);
  for (std::thread& worker : workers) worker.join();
  return failures;
}

}  // namespace replica

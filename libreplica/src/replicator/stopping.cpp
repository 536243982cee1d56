#include "replicator/stopping.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

#include "base/text.hpp"
#include "replicator/shipping.hpp"

namespace replica::replicator {
namespace {

using std::chrono::milliseconds;

// Captures and uploads everything committed by now.
Result<void> flush(Scheduler& scheduler, const std::shared_ptr<Entry>& entry, const Call& call) {
  engine::Database& database = entry->database;
  if (auto rests = database.stay_at_rest(call); rests && *rests) return {};
  auto captured = scheduler.capture(entry, true, call);
  if (captured && database.resting()) return {};  // it was let go of with everything uploaded
  if (!captured && captured.error().code == Errc::not_found) {
    // No database file: what was captured before may still wait for its upload.
    if (!database.captured()) return {};
  } else if (!captured) {
    return pass(captured);
  }
  return ship_to_all(database, database.captured(), call);
}

Result<void> flush_patiently(Scheduler& scheduler, const std::shared_ptr<Entry>& entry, milliseconds interval,
                             const Call& call) {
  for (;;) {
    auto flushed = flush(scheduler, entry, call);
    if (flushed || !is_retryable(flushed.error())) return flushed;
    if (auto r = call.check("stop"); !r)
      return fail(Errc::timed_out, "timeout waiting for stop", flushed.error().message);
    pause_for(interval, call);
  }
}

// One database of stop_all().
struct Stopping {
  std::shared_ptr<Entry> entry;
  bool begun = false, done = false;
  int attempts = 0;
  std::optional<Error> error{};  // of the last attempt that was not cut short
};

void let_go(Scheduler& scheduler, Stopping& one) {
  if (!one.begun) return;
  one.entry->database.close();
  scheduler.settle(*one.entry);
  finish_closing(*one.entry, Phase::closed);
  tell_stopped(scheduler, one.entry->database, one.done || !one.error ? nullptr : &*one.error);
}

// A stop() that is under way is waited for: its failure would be ours.
Result<void> take_over(Scheduler& scheduler, Stopping& one, const Call& call) {
  for (;;) {
    if (begin_closing(scheduler, one.entry)) {
      one.begun = true;
      return {};
    }
    std::unique_lock lock(one.entry->lock);
    if (one.entry->phase != Phase::closing) return {};
    if (auto r = call.check("stop"); !r) return r;
    one.entry->changed.wait_for(lock, milliseconds(20));
  }
}

void attempt(Scheduler& scheduler, Stopping& one, const Call& call) {
  Result<void> flushed;
  if (!one.begun) flushed = take_over(scheduler, one, call);
  if (flushed && one.begun) flushed = flush(scheduler, one.entry, call);
  ++one.attempts;
  if (flushed) {
    one.done = true;
    let_go(scheduler, one);
    return;
  }
  // That our own time was over says less than what went wrong before.
  const bool cut_short = flushed.error().code == Errc::timed_out || flushed.error().code == Errc::cancelled;
  if (!one.error || !cut_short) one.error = std::move(flushed.error());
}

// Calls `step` for each of the items, on up to `threads` threads.
template <class Step>
void in_parallel(std::vector<Stopping>& items, int threads, const Step& step) {
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < items.size(); i = next++) step(items[i]);
  };
  std::vector<std::jthread> workers(
      std::min<std::size_t>(static_cast<std::size_t>(std::max(1, threads)), items.size()));
  for (std::jthread& worker : workers) worker = std::jthread(work);
}

Error give_up(Scheduler& scheduler, Stopping& one) {
  let_go(scheduler, one);
  if (one.attempts < 2) return std::move(*one.error);
  return std::move(*one.error).within(base::concat("gave up after ", one.attempts, " attempts"));
}

}  // namespace

void pause_for(milliseconds interval, const Call& call) {
  const auto until = std::chrono::steady_clock::now() + interval;
  std::mutex unused;
  std::unique_lock guard(unused);
  std::condition_variable_any wake;
  wake.wait_until(guard, call.stop, call.deadline ? std::min(until, *call.deadline) : until, [] { return false; });
}

bool begin_closing(Scheduler& scheduler, const std::shared_ptr<Entry>& entry) {
  {
    const std::lock_guard guard(entry->lock);
    if (entry->phase != Phase::open) return false;
    entry->phase = Phase::closing;
  }
  scheduler.disable(entry);
  return true;
}

void finish_closing(Entry& entry, Phase phase) {
  {
    const std::lock_guard guard(entry.lock);
    entry.phase = phase;
  }
  entry.changed.notify_all();
}

void tell_stopped(const Scheduler& scheduler, const engine::Database& database, const Error* error) {
  scheduler.publish({.kind = EventKind::stopped,
                     .path = database.config().path,
                     .txid = database.captured(),
                     .code = error != nullptr ? std::string(name(error->code)) : std::string(),
                     .detail = error != nullptr ? "final upload failed: " + error->message : std::string()});
}

Result<TxId> stop_one(Scheduler& scheduler, const std::shared_ptr<Entry>& entry, milliseconds interval,
                      const Call& call) {
  engine::Database& database = entry->database;
  if (!begin_closing(scheduler, entry))
    return fail(Errc::precondition_failed, "database already disabled: " + database.config().path);
  auto flushed = flush_patiently(scheduler, entry, interval, call);
  const bool given_up =
      !flushed && (flushed.error().code == Errc::timed_out || flushed.error().code == Errc::cancelled);
  const TxId txid = database.captured();
  if (!given_up) {
    database.close();
    scheduler.settle(*entry);
  }
  finish_closing(*entry, given_up ? Phase::open : Phase::closed);
  if (given_up) scheduler.enable(entry);
  if (!given_up) tell_stopped(scheduler, database, flushed ? nullptr : &flushed.error());
  if (!flushed) return pass(flushed);
  return txid;
}

std::vector<std::pair<std::string, Error>> stop_all(Scheduler& scheduler, std::vector<std::shared_ptr<Entry>> entries,
                                                    const ReplicatorOptions& options, const Call& call) {
  // Without patience there is one attempt each, as long as it takes.
  const bool patient = options.shutdown_sync_timeout.count() > 0;
  Call window = call;
  if (patient) {
    const auto limit = std::chrono::steady_clock::now() + options.shutdown_sync_timeout;
    window.deadline = call.deadline ? std::min(*call.deadline, limit) : limit;
  }
  std::vector<Stopping> left;
  left.reserve(entries.size());
  for (std::shared_ptr<Entry>& entry : entries) left.push_back({.entry = std::move(entry)});
  for (;;) {
    in_parallel(left, options.threads, [&](Stopping& one) { attempt(scheduler, one, window); });
    std::erase_if(left, [](const Stopping& one) { return one.done; });
    if (left.empty() || !patient || !window.check("stop")) break;
    pause_for(options.shutdown_sync_interval, window);
    if (!window.check("stop")) break;
  }
  std::vector<std::pair<std::string, Error>> failures;
  failures.reserve(left.size());
  for (Stopping& one : left) failures.emplace_back(one.entry->database.config().path, give_up(scheduler, one));
  return failures;
}

}  // namespace replica::replicator

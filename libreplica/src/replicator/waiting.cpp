#include "replicator/waiting.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace replica::replicator {
namespace {

// A stop request does not wake who waits.
constexpr std::chrono::milliseconds kSlice{50};

// Names the first replica that has not come so far, when there are several.
std::string behind(const engine::Database& database, TxId target) {
  for (std::size_t n = 0; n < database.destinations(); ++n) {
    const engine::Destination& one = database.destination(n);
    if (one.durable() < target && !one.label().empty())
      return base::concat("replica ", one.label(), " is behind, at ", one.durable().text());
  }
  return {};
}

// Nobody uploads while a database is at rest: what its replicas are believed to have is to be shown.
void ask_believed(Scheduler& scheduler, const std::shared_ptr<Entry>& entry) {
  for (std::size_t n = 0; n < entry->database.destinations(); ++n) {
    if (entry->database.destination(n).believed()) scheduler.request_now(entry, {Lane::ship, n});
  }
}

Failure gave_up(const Entry& entry, std::optional<TxId> target, const Error& why) {
  const auto error = entry.database.status().last_error;
  std::string hint = target ? behind(entry.database, *target) : std::string();
  if (error) hint += (hint.empty() ? "" : ": ") + error->message;
  return fail(why.code, why.message, hint);
}

}  // namespace

Result<TxId> wait_durable(Scheduler& scheduler, const std::shared_ptr<Entry>& entry, std::optional<TxId> txid,
                          const Call& call) {
  const engine::Database& database = entry->database;
  const std::string& path = database.config().path;
  if (database.destinations() == 0)
    return fail(Errc::precondition_failed, "database has no replica configured: " + path);
  std::unique_lock lock(entry->lock);
  if (entry->phase != Phase::open) return fail(Errc::precondition_failed, "database not open: " + path);
  std::optional<TxId> target = txid;
  // What is committed now is seen by a capture that begins from now on.
  const std::uint64_t run = entry->captures_begun + 1;
  if (!target) {
    lock.unlock();
    scheduler.request(entry, Lane::capture, scheduler.next_capture(*entry));
    lock.lock();
  }
  bool asked = false;
  for (;;) {
    if (!target && entry->captures_done >= run) target = entry->captured;
    if (target && database.durable() >= *target) return database.durable();
    if (target && !std::exchange(asked, true)) {
      lock.unlock();
      ask_believed(scheduler, entry);
      lock.lock();
      continue;
    }
    if (entry->phase == Phase::closed) return fail(Errc::cancelled, "database was stopped: " + path);
    if (auto r = call.check("wait"); !r) return gave_up(*entry, target, r.error());
    const auto slice = std::chrono::steady_clock::now() + kSlice;
    entry->changed.wait_until(lock, call.deadline ? std::min(slice, *call.deadline) : slice);
  }
}

}  // namespace replica::replicator

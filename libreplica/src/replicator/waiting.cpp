#include "replicator/waiting.hpp"

#include <algorithm>

namespace replica::replicator {
namespace {

// A stop request does not wake who waits.
constexpr std::chrono::milliseconds kSlice{50};

Failure gave_up(const Entry& entry, const Error& why) {
  const auto error = entry.database.status().last_error;
  return fail(why.code, why.message, error ? error->message : std::string());
}

}  // namespace

Result<TxId> wait_durable(Scheduler& scheduler, const std::shared_ptr<Entry>& entry, std::optional<TxId> txid,
                          const Call& call) {
  const engine::Database& database = entry->database;
  const std::string& path = database.config().path;
  if (!database.config().backend) return fail(Errc::precondition_failed, "database has no replica configured: " + path);
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
  for (;;) {
    if (!target && entry->captures_done >= run) target = entry->captured;
    if (target && database.durable() >= *target) return database.durable();
    if (entry->phase == Phase::closed) return fail(Errc::cancelled, "database was stopped: " + path);
    if (auto r = call.check("wait"); !r) return gave_up(*entry, r.error());
    const auto slice = std::chrono::steady_clock::now() + kSlice;
    entry->changed.wait_until(lock, call.deadline ? std::min(slice, *call.deadline) : slice);
  }
}

}  // namespace replica::replicator

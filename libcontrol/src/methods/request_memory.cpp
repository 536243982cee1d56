#include "methods/request_memory.hpp"

namespace control {
namespace {

Error reused(const std::string& id) {
  return {.message = "request_id was used for another call: " + id.substr(id.find('\n') + 1),  // own_id() before it
          .reason = "request_id_reused",
          .hint = "make a new ID for every call, and repeat one only with the same method and parameters"};
}

Error interrupted() {
  return {
      .message = "the same call is still under way", .reason = "in_progress", .hint = "ask again", .retryable = true};
}

bool is_final(const RequestMemory::Outcome& outcome) { return outcome || !outcome.error().retryable; }

}  // namespace

RequestMemory::Outcome RequestMemory::run(const std::string& id, const std::string& what, const Call& call,
                                          TimePoint now, const std::function<Outcome()>& work) {
  std::unique_lock lock(lock_);
  forget_old(now);
  const auto [at, is_first] = entries_.try_emplace(id);
  if (!is_first) {
    if (at->second->what != what) return fail(reused(id));
    return wait_for(std::shared_ptr(at->second), call, lock);
  }
  const auto entry = at->second = std::make_shared<Entry>(Entry{.what = what});
  lock.unlock();
  try {
    Outcome outcome = work();
    finish(id, *entry, outcome, now);
    return outcome;
  } catch (...) {
    finish(id, *entry, std::nullopt, now);
    throw;
  }
}

RequestMemory::Outcome RequestMemory::wait_for(const std::shared_ptr<Entry>& entry, const Call& call,
                                               std::unique_lock<std::mutex>& lock) {
  const bool ended = changed_.wait_until(lock, call.stop, call.deadline, [&] { return entry->outcome.has_value(); });
  if (!ended) return fail(interrupted());
  return *entry->outcome;
}

void RequestMemory::finish(const std::string& id, Entry& entry, std::optional<Outcome> outcome, TimePoint now) {
  const std::lock_guard lock(lock_);
  const bool keep = outcome && is_final(*outcome);
  entry.outcome = outcome ? std::move(*outcome) : fail(interrupted());  // for those who wait for it
  if (keep) {
    finished_.emplace_back(now, id);
  } else {
    entries_.erase(id);
  }
  changed_.notify_all();
}

void RequestMemory::forget_old(TimePoint now) {
  while (!finished_.empty() && (finished_.size() > kMaxOutcomes || now - finished_.front().first > kKept)) {
    entries_.erase(finished_.front().second);
    finished_.pop_front();
  }
}

}  // namespace control

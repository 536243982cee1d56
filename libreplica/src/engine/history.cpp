// The history that the local files and the destinations share: TXIDs are the same everywhere, so that where to go on is
// decided once, behind all of them.
#include <algorithm>

#include "engine/database.hpp"
#include "engine/lane_lock.hpp"
#include "engine/maintain.hpp"

namespace replica::engine {
namespace {

// Patience with one of several destinations while capturing waits for it.
constexpr std::chrono::seconds kAskPatience{5};

Call at_most(Call call, Clock::Steady deadline) {
  call.deadline = call.deadline ? std::min(*call.deadline, deadline) : deadline;
  return call;
}

}  // namespace

bool Database::knows_replica() const {
  return std::any_of(destinations_.begin(), destinations_.end(),
                     [](const auto& one) { return one->position_listed(); });
}

TxId Database::furthest() const {
  TxId last;
  for (const auto& one : destinations_) last = std::max(last, one->furthest());
  return last;
}

// The destination that reaches furthest, of those that answer. Of what has been seen before nothing is
// asked for again: one that does not answer must not hold up the capture, and shows what it has when it ships again.
Result<Database::Furthest> Database::find_furthest(const Call& call) {
  std::optional<Furthest> best;
  std::optional<Error> failure;
  const bool known = knows_replica();
  for (const auto& one : destinations_) {
    if (known && !one->position_listed()) continue;
    auto position =
        one->find_position(single() ? call : at_most(call, std::chrono::steady_clock::now() + kAskPatience));
    if (!position) {
      if (auto r = call.check("find position of replica"); !r) return pass(r);
      if (!single())
        environment_.logger->log(
            LogLevel::warn, "replica does not tell its position",
            {{"path", config_.path}, {"replica", one->label()}, {"error", position.error().message}});
      if (!failure) failure = std::move(position.error());
    } else if (!best || *position > best->position) {
      best = Furthest{one.get(), *position};
    }
  }
  if (!best) return Failure(std::move(*failure));
  return *best;
}

Result<void> Database::follow_replica(const Call& call) {
  auto found = find_furthest(call);
  if (!found) return pass(found);
  const TxId remote = single() ? found->position : std::max(found->position, furthest());
  if (remote <= capture_->last()) return {};
  environment_.logger->log(LogLevel::info, "replica is ahead of the local state, continuing behind it",
                           {{"path", config_.path}, {"local", capture_->last().text()}, {"replica", remote.text()}});
  if (auto r = start_behind(remote); !r) return r;
  return import_newest(*found->destination, remote, call);
}

// The newest file of a replica tells whether the WAL still is the one it ended with.
Result<void> Database::import_newest(Destination& from, TxId position, const Call& call) {
  const auto newest = from.newest(0);
  if (!newest || newest->range.max != position) return {};
  auto body = from.replica().open(*newest, call);
  if (!body) return pass(body);
  const std::lock_guard guard(store_lock_);
  auto imported = store_->import(**body, newest->range);
  if (imported) anew_behind_ = 0;
  return !imported && imported.error().code != Errc::corrupt ? imported : Result<void>{};
}

// Gives up what lies here for what the replica holds. Nothing is left to compare with: the next file holds every page.
Result<void> Database::start_behind(TxId remote) {
  // The hashes are those of the history here. They go first: with an empty store they would pass for the replica's.
  if (auto r = store::PageHashMap::remove(meta_path(), environment_.gate); !r) return r;
  {
    const std::lock_guard guard(store_lock_);
    if (auto r = store_->clear(); !r) return r;
  }
  capture_->set_base(remote);
  anew_behind_ = remote.value;
  return {};
}

Result<void> Database::overtake(TxId position, const Call& call) {
  auto lock = lock_lane(capture_lock_, call, "follow replica");
  if (!lock) return pass(lock);
  if (!capture_ || position <= capture_->last()) return {};
  capture_->detach();
  auto captured = capture_locked(call);  // attaches, which follows the replica
  return captured ? Result<void>{} : Result<void>(pass(captured));
}

// All that lies here has been written since TXIDs went on anew, behind `position` or further.
bool Database::began_anew_behind(TxId position) const {
  const auto files = local_files();
  const TxId base{anew_behind_};
  return base && base >= position && (files.empty() || files.front().range.min > base);
}

// With several destinations no TXID is given twice: another one may hold it, or come back with it.
Result<void> Database::start_anew(TxId position, const Call& call) {
  auto lock = lock_lane(capture_lock_, call, "follow replica");
  if (!lock) return pass(lock);
  if (!capture_) return fail(Errc::cancelled, "database was closed");
  if (!single() && began_anew_behind(position)) return {};  // for another destination
  capture_->detach();
  const TxId base = single() ? position : std::max({position, capture_->last(), furthest()});
  if (auto r = start_behind(base); !r) return r;
  auto captured = capture_locked(call);
  return captured ? Result<void>{} : Result<void>(pass(captured));
}

Result<void> Database::drop_lost(TxRange range, const Call& call) {
  std::unique_lock<io::SmallMutex> lock;
  if (!single()) {
    auto taken = lock_lane(capture_lock_, call, "replace lost file");
    if (!taken) return pass(taken);
    lock = std::move(*taken);
    if (capture_) capture_->set_base(capture_->last());
  }
  const std::lock_guard guard(store_lock_);
  if (!store_) return fail(Errc::cancelled, "database was closed");
  return store_->remove(range);
}

std::uint64_t Database::max_file_bytes() const noexcept {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, config_->max_sync_wal_bytes));
}

std::vector<LtxFileInfo> Database::local_files() const {
  const std::lock_guard guard(store_lock_);
  return store_ ? store_->files() : std::vector<LtxFileInfo>();
}

Result<std::vector<LtxFileInfo>> Database::files_to_ship() const {
  const std::lock_guard guard(store_lock_);
  if (aside_) return fail(Errc::cancelled, "database was let go of");
  return store_ ? store_->files() : std::vector<LtxFileInfo>();
}

Result<std::unique_ptr<Source>> Database::open_local(const LtxFileInfo& file) const {
  const std::lock_guard guard(store_lock_);
  if (!store_) return fail(Errc::cancelled, "database was closed");
  return store_->open_file(file.range);
}

Result<LtxHeader> Database::local_header(TxRange range) const {
  const std::lock_guard guard(store_lock_);
  if (!store_) return fail(Errc::cancelled, "database was closed");
  return store_->header(range);
}

// Local level-0 files that are covered elsewhere, once they are old enough and their hashes are safe.
Result<void> Database::trim_local(Timestamp now, const Call& call) {
  std::vector<Holding> holdings;
  holdings.reserve(destinations_.size());
  for (const auto& one : destinations_) holdings.push_back(one->holding());
  const auto files = local_files();
  if (files.empty()) return {};
  const auto main = io::stat_path(config_.path);
  const TxId limit = trim_limit(files, holdings, main ? main->size : 0);
  const auto plan = plan_l0_retention(files, limit, now, options_.l0_retention);
  if (plan.remove.empty()) return {};
  {
    auto lock = lock_lane(capture_lock_, call, "fold page hashes");
    if (!lock) return pass(lock);
    if (!capture_) return {};
    if (capture_->hashes_txid() < plan.remove.back().range.max) {
      if (auto r = capture_->fold_hashes(); !r) return pass(r, "fold page hashes");
    }
  }
  for (const LtxFileInfo& file : plan.remove) {
    const std::lock_guard guard(store_lock_);
    if (!store_) return {};
    if (auto r = store_->remove(file.range); !r) return r;
  }
  return {};
}

}  // namespace replica::engine

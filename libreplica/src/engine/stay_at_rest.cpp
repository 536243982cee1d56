// A database that was let go of stays so when the daemon is started again. docs/capture.md.
#include <algorithm>
#include <utility>

#include "engine/database.hpp"
#include "engine/lane_lock.hpp"
#include "engine/owner_lock.hpp"

namespace replica::engine {
namespace {

// A file that was settled is behind the clock by more than this: so far it may be set back, and what is written then
// still has a later time.
constexpr std::int64_t kClockTolerance = 20'000'000;  // ns

bool same_boot(const WalMark& mark) { return mark.boot != 0 && mark.boot == io::boot_identity(); }

bool is_log_of(const RestMark& rest, const std::optional<io::FileStamp>& wal) {
  return !wal || wal->size == 0 || wal == rest.wal;
}

}  // namespace

// What the mark is to say of the destinations. Their lanes are held, and all have everything.
std::optional<DestinationsAtRest> Database::destinations_at_rest() {
  const auto identity = identity_of(destination_configs(), options_);
  if (!identity || destinations_.size() > kMaxDestinationsAtRest) return std::nullopt;
  DestinationsAtRest all{.identity = *identity};
  for (const auto& one : destinations_) all.each.push_back(one->at_rest());
  return all;
}

// The mark, if it still says all of it: the files are as they were when the database was let go of, and so are the
// destinations as configured.
Result<std::optional<WalMark>> Database::rest_mark(FilesAtRest& files) const {
  const std::nullopt_t none = std::nullopt;
  auto mark = read_wal_mark(meta_path(), environment_.gate);
  if (!mark) return mark;
  if (!*mark || !(*mark)->rest || !same_boot(**mark)) return none;
  const RestMark& rest = *(*mark)->rest;
  if (io::clock_lead() < rest.clock_lead - kClockTolerance) return none;
  if (rest.destinations.each.size() != destinations_.size()) return none;
  if (identity_of(destination_configs(), options_) != rest.destinations.identity) return none;
  auto main = io::stamp_of(config_.path);
  auto wal = io::stamp_of(config_.path + "-wal");
  auto level_zero = io::stamp_of(level_zero_path(meta_path()));
  if (!main || !wal || !level_zero) return none;
  if (*main != (*mark)->untouched || *level_zero != rest.level_zero || !is_log_of(rest, *wal)) return none;
  files = {**main, *wal};
  return mark;
}

Result<bool> Database::stay_at_rest(const Call& call) {
  if (opened_ || destinations_.empty() || config_->hibernate_after.count() <= 0) return false;
  std::vector<std::unique_lock<io::SmallMutex>> held;
  held.reserve(destinations_.size());
  for (const auto& one : destinations_) {
    held.push_back(one->try_hold_ship());
    if (!held.back() || one->position_known()) return false;  // somebody has seen to it
  }
  auto lock = lock_lane(capture_lock_, call, "hibernate");
  if (!lock) return pass(lock);
  if (opened_ || resting_ || capture_) return false;
  FilesAtRest files;
  auto mark = rest_mark(files);
  if (!mark) return pass(mark);
  if (!*mark) return false;
  // Only to see that no other daemon has it; a database that rests does not keep the lock.
  if (auto r = borrow_owner_lock(meta_path(), config_.path, environment_.gate); !r) return pass(r);
  for (std::size_t n = 0; n < destinations_.size(); ++n)
    destinations_[n]->believe((*mark)->rest->destinations.each[n], (*mark)->txid);
  resting_ = Resting{files, (*mark)->txid};
  opened_ = true;
  show_at_rest();
  environment_.logger->log(LogLevel::debug, "still hibernating",
                           {{"path", config_.path}, {"txid", resting_->txid.text()}});
  if (!std::exchange(told_started_, true))
    environment_.publish({.kind = EventKind::started, .path = config_.path, .txid = resting_->txid});
  return true;
}

void Database::show_at_rest() {
  const std::lock_guard guard(status_lock_);
  status_.ready = status_.hibernating = status_.rest_complete = true;
  status_.local_txid = resting_->txid;
  status_.database_bytes = resting_->left.main.size;
  status_.wal_bytes = resting_->left.wal ? resting_->left.wal->size : 0;
  status_.disk_full = false;
  failing_since_.reset();
}

// The mark says no longer that all is well with the destinations: the next start looks for itself.
Result<void> Database::doubt(const Call& call) {
  auto lock = lock_lane(capture_lock_, call, "wake");
  if (!lock) return pass(lock);
  return change_rest_mark([](WalMark& mark) { mark.rest.reset(); });
}

Result<void> Database::wake_for_missing(const Call& call) {
  if (auto r = doubt(call); !r) return r;
  auto woken = wake(call);
  return woken ? Result<void>{} : Result<void>(pass(woken));
}

// What has been learnt of the destinations since it was let go of, for the next start.
void Database::save_what_was_seen() {
  const bool changed =
      std::any_of(destinations_.begin(), destinations_.end(), [](const auto& one) { return one->changed_at_rest(); });
  if (!changed || !lies_still()) return;
  auto saved = change_rest_mark([&](WalMark& mark) {
    auto& each = mark.rest->destinations.each;
    for (std::size_t n = 0; n < std::min(each.size(), destinations_.size()); ++n) {
      const DestinationAtRest now = destinations_[n]->at_rest();
      each[n].last_sync = now.last_sync;
      each[n].seen = now.seen;
      each[n].maintenance = now.maintenance;
    }
  });
  if (!saved)
    environment_.logger->log(LogLevel::debug, "mark not brought up to date",
                             {{"path", config_.path}, {"error", saved.error().message}});
}

// Nothing is done when it is not the one that was left for what rests.
Result<void> Database::change_rest_mark(const std::function<void(WalMark&)>& change) {
  auto mark = read_wal_mark(meta_path(), environment_.gate);
  if (!mark) return pass(mark);
  const bool ours = resting_ && *mark && (*mark)->rest && (*mark)->txid == resting_->txid &&
                    (*mark)->untouched == resting_->left.main && same_boot(**mark);
  if (!ours) return {};
  change(**mark);
  return write_wal_mark(meta_path(), **mark, environment_.gate);
}

}  // namespace replica::engine

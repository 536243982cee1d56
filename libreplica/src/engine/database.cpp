// The capture lane and the façade; what becomes of the history is in history.cpp.
#include "engine/database.hpp"

#include <algorithm>

#include "engine/lane_lock.hpp"
#include "engine/owner_lock.hpp"

namespace replica::engine {
namespace {

constexpr int kDefaultHardFrames = 121'359;  // the peer's truncate-page-n
constexpr int kAttachAttempts = 3;           // a damaged newest file is moved aside and the attach tried again

CheckpointPolicy policy_of(const Settings& config) {
  CheckpointPolicy policy;
  policy.easy_frames = static_cast<std::uint64_t>(config->min_checkpoint_page_count);
  const int hard = config->truncate_page_n == 0 ? kDefaultHardFrames : config->truncate_page_n;
  policy.hard_frames = hard < 0 ? 0 : static_cast<std::uint64_t>(hard);
  policy.interval = config->checkpoint_interval;
  return policy;
}

double seconds_since(const Clock& clock, Clock::Steady start) {
  return std::chrono::duration<double>(clock.steady() - start).count();
}

}  // namespace

Database::Database(const DatabaseConfig& config, const ReplicatorOptions& options,
                   std::unique_ptr<const Environment> own, const Environment* environment)
    : options_(options),
      own_environment_(std::move(own)),
      environment_(own_environment_ ? *own_environment_ : *environment),
      config_(settings_of(config, environment_.settings)),
      counts_(nullptr, GiveBack<Counts>{environment_.lasting}) {
  auto configured = replica::destinations(config);
  destinations_.reserve(configured.size());
  for (DestinationConfig& one : configured) {
    destinations_.push_back(
        std::make_unique<Destination>(std::move(one), static_cast<Origin&>(*this), options_, environment_));
  }
}

Database::~Database() { close(); }

Result<Database::Captured> Database::capture(const Call& call, Opening opening) {
  auto lock = lock_lane(capture_lock_, call, "capture");
  if (!lock) return pass(lock);
  const auto start = environment_.clock->steady();
  for (const auto& one : destinations_) one->count_from(environment_.clock->now());
  auto captured = capture_locked(call, opening);
  const std::lock_guard guard(status_lock_);
  if (!captured || !resting_) counts().sync_seconds += seconds_since(*environment_.clock, start);
  status_.disk_full = !captured && captured.error().code == Errc::no_space;
  if (captured) {
    failing_since_.reset();
    if (captured->files > 0) ++counts().syncs;
  } else if (captured.error().code != Errc::not_found) {
    ++counts().sync_errors;
    if (!failing_since_ && captured.error().code != Errc::cancelled) failing_since_ = environment_.clock->now();
  }
  return captured;
}

Result<Database::Captured> Database::capture_locked(const Call& call, Opening opening) {
  if (lies_still()) return Captured{};
  if (opening == Opening::no && must_open()) return Captured{.left_closed = true};
  const std::uint64_t before = capture_ ? capture_->counters().files : captures().files;
  Captured result;
  auto done = attach_and_capture(call, result.attached_now);
  // Whatever step wrote them, a checkpoint among them: the status must not lag behind the files.
  result.files = capture_ ? static_cast<std::size_t>(capture_->counters().files - before) : 0;
  // An idle look costs one stat and a glance at shared memory, nothing more.
  if (!done || result.files > 0 || result.attached_now) refresh_status();
  if (!done) return pass(done);
  if (result.files > 0) {
    measure_growth();
    result.tend_in = long_in();
  }
  opened_ = true;
  if (!std::exchange(told_started_, true))
    environment_.publish({.kind = EventKind::started, .path = config_.path, .txid = capture_->last()});
  return result;
}

// A full disk and a busy database pass; after anything else the position is to be proved anew.
void Database::detach_after(const Error& error) {
  if (error.code != Errc::no_space && error.code != Errc::busy) capture_->detach();
}

Result<void> Database::attach_and_capture(const Call& call, bool& attached_now) {
  if (replaced()) {
    environment_.logger->log(LogLevel::warn, "database file was replaced or removed", {{"path", config_.path}});
    capture_->detach();
  }
  if (!capture_ || !capture_->attached()) {
    if (auto r = ensure_attached(call); !r) return r;
    attached_now = true;
  }
  // A checkpoint that follows captures too: into the same file.
  auto captured =
      capture_->log_frames() < awake_->checkpoint_policy.easy_frames ? capture_->capture() : capture_->hold();
  if (!captured) {
    detach_after(captured.error());
    return pass(captured);
  }
  if (auto r = checkpoint_if_due(); !r) {
    // Nothing captured is at risk: report it, and look again later.
    environment_.logger->log(LogLevel::warn, "checkpoint failed",
                             {{"path", config_.path}, {"error", r.error().message}});
    const std::lock_guard guard(status_lock_);
    ++counts().checkpoint_errors;
    if (!capture_->attached()) return r;
  }
  if (auto flushed = capture_->flush(); !flushed) {
    detach_after(flushed.error());
    return pass(flushed);
  }
  return {};
}

bool Database::replaced() {
  if (!capture_ || !capture_->attached()) return false;
  auto now = io::stat_path(config_.path);
  return !now || now->inode != awake_->identity.inode || now->device != awake_->identity.device;
}

Result<void> Database::ensure_store() {
  auto info = io::stat_path(config_.path);
  if (!info) return pass(info, "open database");
  if (info->size == 0) return fail(Errc::not_found, "database " + config_.path + " is still empty");
  if (!awake_) awake_ = std::make_unique<Awake>(Awake{.identity = *info, .checkpoint_policy = policy_of(config_)});
  awake_->identity = *info;
  if (store_) return {};
  auto made = make_meta_directory();
  if (!made) return pass(made);
  auto lock = take_owner_lock(meta_path(), config_.path, environment_.gate);
  if (!lock) return pass(lock);
  if (auto r = sweep_scratch(); !r) return r;
  auto store = store::LocalStore::open(meta_path(), config_.path, environment_.gate, *made);
  if (!store) return pass(store, "open local store");
  // What was confirmed before it was closed may be of files that are no longer the ones here.
  const auto rested = std::exchange(resting_, std::nullopt);
  if (!rested || store->last() != rested->txid) {
    for (const auto& one : destinations_) one->forget_durable();
  }
  const std::lock_guard guard(store_lock_);
  owner_lock_ = std::make_unique<io::File>(std::move(*lock));
  store_ = std::make_unique<store::LocalStore>(std::move(*store));
  if (!open_.exchange(true) && environment_.held != nullptr) ++*environment_.held;
  aside_ = false;
  CaptureSettings settings{
      .path = config_.path,
      .meta_path = meta_path(),
      .busy_timeout = config_->busy_timeout,
      .max_sync_wal_bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(0, config_->max_sync_wal_bytes)),
      .convert_to_wal = config_->convert_to_wal};
  capture_ = std::make_unique<Capture>(std::move(settings), *store_, store_lock_, environment_);
  capture_->count_from(captures());
  return {};
}

// Its parent is synced by the store, once that matters.
Result<store::LocalStore::Meta> Database::make_meta_directory() {
  const std::string path = meta_path();
  auto like = io::stat_path(io::parent_of(config_.path));
  if (!like) return pass(like);
  if (auto r = io::make_directories(io::parent_of(path), environment_.gate, &*like); !r) return pass(r);
  auto made = io::make_directory(path, environment_.gate, &*like);
  if (!made) return pass(made);
  return *made ? store::LocalStore::Meta::made : store::LocalStore::Meta::found;
}

// Snapshots and compactions that a killed daemon was making. The owner's lock is ours, and no lane has worked yet.
Result<void> Database::sweep_scratch() {
  if (swept_) return {};
  auto names = io::list_directory(scratch_directory(), environment_.gate);
  if (!names) return pass(names, "clear scratch directory");
  for (const std::string& name : *names) {
    if (auto r = io::remove_file(scratch_directory() + "/" + name, environment_.gate); !r) return r;
  }
  swept_ = true;
  return {};
}

Result<void> Database::ensure_attached(const Call& call) {
  if (auto r = ensure_store(); !r) return r;
  bool damaged = false;
  for (int attempt = 0;; ++attempt) {
    // Without a trustworthy local position the replica's counts; else it is looked at when shipping.
    const bool ask = !destinations_.empty() && (damaged || knows_replica() || !capture_->last());
    if (ask) {
      if (auto r = follow_replica(call); !r) return pass(r, "find position of replica");
    }
    auto attached = capture_->attach();
    if (attached) break;
    if (attached.error().code != Errc::corrupt || attempt + 1 == kAttachAttempts) return attached;
    environment_.logger->log(LogLevel::warn, "local state is damaged",
                             {{"path", config_.path}, {"error", attached.error().message}});
    damaged = true;
  }
  awake_->last_checkpoint = environment_.clock->steady();
  environment_.logger->log(LogLevel::info, "initialized db",
                           {{"path", config_.path}, {"txid", capture_->last().text()}});
  return {};
}

Result<void> Database::checkpoint_if_due() {
  const auto now = environment_.clock->steady();
  Awake& known = *awake_;
  if (now < known.next_checkpoint) return {};
  const CheckpointSituation situation{
      .wal_frames = capture_->wal_frames(),
      .frames_since = capture_->frames_since_checkpoint(),
      .since_last = std::chrono::duration_cast<std::chrono::milliseconds>(now - known.last_checkpoint),
      .missed_frames = known.missed_frames,
      .since_missed = std::chrono::duration_cast<std::chrono::milliseconds>(now - known.missed_at)};
  CheckpointPolicy policy = known.checkpoint_policy;
  if (is_tended_soon()) policy.easy_frames = kFramesWithoutGaps;
  const CheckpointNeed need = checkpoint_need(policy, situation);
  if (need == CheckpointNeed::none) return {};
  auto done = checkpoint(need);
  if (done && *done == Capture::Backfill::complete) known.last_checkpoint = environment_.clock->steady();
  // An application's long reader, or an error, can keep it from completing for hours: look less often then. Busy
  // writers cannot, and the log grows as long as they do: that says when to try again.
  const bool missed = done && *done == Capture::Backfill::behind_writers;
  known.missed_frames = missed ? capture_->wal_frames() : 0;
  known.missed_at = now;
  const bool stuck = !done || *done == Capture::Backfill::held_back;
  known.failed_checkpoints = stuck ? std::min(known.failed_checkpoints + 1, 5) : 0;
  known.next_checkpoint =
      stuck ? now + std::chrono::milliseconds(500) * (1 << known.failed_checkpoints) : Clock::Steady{};
  if (!done) return pass(done);
  const std::lock_guard guard(status_lock_);
  counts().checkpoint_seconds += seconds_since(*environment_.clock, now);
  return {};
}

Result<Capture::Backfill> Database::checkpoint(CheckpointNeed need) {
  using Backfill = Capture::Backfill;
  auto done = capture_->checkpoint_easily();
  // Applications that leave no gap checkpoint by themselves, as a rule, and only wait for us to get out of the way.
  const bool long_enough = capture_->wal_frames() >= awake_->checkpoint_policy.easy_frames;
  if (done && *done == Backfill::behind_writers && long_enough) {
    done = step_aside();
  }
  if (!done || *done == Backfill::complete || need != CheckpointNeed::hard) return done;
  if (capture_->wal_frames() < awake_->checkpoint_policy.hard_frames) return done;
  auto hard = capture_->checkpoint_hard();
  if (!hard && hard.error().code != Errc::busy) return pass(hard);
  return hard ? Backfill::complete : Backfill::held_back;
}

void Database::close() {
  std::vector<Destination::Held> held;
  held.reserve(destinations_.size());
  for (const auto& one : destinations_) held.push_back(one->hold());
  const std::lock_guard lock(capture_lock_);
  if (capture_) {
    // Both save the next start from reading everything; what cannot be folded now is folded then.
    auto proved = capture_->rest(all_shipped() ? destinations_at_rest() : std::nullopt);
    auto folded = proved && *proved ? Result<void>{} : capture_->fold_before_leaving();
    if (!folded) {
      environment_.logger->log(LogLevel::warn, "page hashes not saved",
                               {{"path", config_.path}, {"error", folded.error().message}});
    }
    capture_->close();
  }
  if (resting_) save_what_was_seen();
  let_go();
  awake_.reset();
  resting_.reset();
  opened_ = false;
  {
    const std::lock_guard guard(store_lock_);
    aside_ = false;
  }
  for (const auto& one : destinations_) one->forget();
  told_started_ = swept_ = false;
  const std::lock_guard guard(status_lock_);
  status_.ready = status_.hibernating = false;
  uncaptured_bytes_ = 0;
  failing_since_.reset();
}

std::string Database::meta_path() const {
  return config_->meta_path.empty() ? store::default_meta_path(config_.path) : config_->meta_path;
}

std::vector<DestinationConfig> Database::destination_configs() const {
  std::vector<DestinationConfig> all;
  all.reserve(destinations_.size());
  for (const auto& one : destinations_) all.push_back(one->config());
  return all;
}

std::string Database::scratch_directory() const { return meta_path() + "/scratch"; }

}  // namespace replica::engine

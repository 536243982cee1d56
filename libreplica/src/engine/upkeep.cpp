// The maintain lane: compaction, snapshots and retention of a destination.
#include <algorithm>
#include <utility>

#include "engine/destination.hpp"
#include "engine/lane_lock.hpp"
#include "engine/maintain.hpp"

namespace replica::engine {

std::optional<Timestamp> Destination::next_maintenance() {
  const std::unique_lock lock(maintain_lock_, std::try_to_lock);
  return lock ? scheduled() : std::nullopt;  // a run in progress asks again when it is done
}

std::optional<Timestamp> Destination::scheduled() const {
  if (!options_.maintain) return std::nullopt;
  if (levels_.known()) return schedule_.next(levels_, origin_.captured(), environment_.clock->now());
  return believed_maintenance();
}

Result<void> Destination::maintain(const Call& call) {
  auto lock = lock_lane(maintain_lock_, call, "maintain");
  if (!lock) return pass(lock);
  if (auto r = confirm_position(call); !r) return r;
  if (!replicated() || origin_.local_files().empty()) return {};  // nothing shipped yet; shipping learns what there is
  if (auto r = levels_.load(replica_, call); !r) return r;
  return maintain_due(environment_.clock->now(), call);
}

Result<void> Destination::maintain_due(Timestamp now, const Call& call) {
  // A damaged file must not keep the other levels, snapshots and retention from going on for ever.
  Result<void> damage;
  const auto unless_damaged = [&](Result<void> done) -> Result<void> {
    if (done || done.error().code != Errc::corrupt) return done;
    if (damage) damage = std::move(done);
    return {};
  };
  auto maintained = [&]() -> Result<void> {
    for (Level level = 1; level <= schedule_.highest_level(); ++level) {
      if (!schedule_.due(level, levels_, now)) continue;
      auto compacted = compact_level(level, call);
      if (!compacted) compacted = pass(compacted, "compact to level " + std::to_string(level));
      if (auto r = unless_damaged(std::move(compacted)); !r) return r;
      schedule_.done(level, now);
    }
    if (schedule_.due(kSnapshotLevel, levels_, now)) {
      if (lacks_snapshot()) {
        auto uploaded = upload_first_as_snapshot(call);
        if (!uploaded) return pass(uploaded);
        if (!*uploaded) {
          if (auto r = write_snapshot(call); !r) return pass(r);
        }
      }
      schedule_.done(kSnapshotLevel, now);
    }
    return retain(now, call);
  }();
  if (!maintained && maintained.error().code == Errc::not_found) levels_.forget();  // somebody else removed files
  return maintained ? damage : maintained;
}

bool Destination::lacks_snapshot() const {
  const auto newest = levels_.newest(kSnapshotLevel);
  return !newest || newest->range.max < origin_.captured();
}

Result<void> Destination::enforce_retention(const Call& call) {
  auto lock = lock_lane(maintain_lock_, call, "retention");
  if (!lock) return pass(lock);
  if (auto r = confirm_position(call); !r) return r;
  if (auto r = levels_.load(replica_, call); !r) return r;
  return retain(environment_.clock->now(), call);
}

Result<void> Destination::compact_level(Level level, const Call& call) {
  // A backlog is merged in runs; each makes progress or ends the loop.
  for (;;) {
    auto inputs = compaction_inputs(level, call);
    if (!inputs) return pass(inputs);
    if (inputs->empty()) return {};
    const OpenInput open = [&](const LtxFileInfo& file) -> Result<std::unique_ptr<Reader>> {
      if (level == 1) {
        if (auto local = origin_.open_local(file)) return std::unique_ptr<Reader>(std::move(*local));
      }
      return replica_.open(file, call, kCompactionBlock);
    };
    auto done = compact(replica_, level, *inputs, open, origin_.scratch_directory(), call, environment_.gate);
    if (!done) return pass(done);
    levels_.added(done->file);
    publish({.kind = EventKind::compacted, .path = {}, .txid = done->file.range.max, .level = level});
    log(LogLevel::debug, "compaction complete",
        {{"level", std::to_string(level)},
         {"min", done->file.range.min.text()},
         {"max", done->file.range.max.text()},
         {"size", std::to_string(done->file.size)}});
  }
}

Result<std::vector<LtxFileInfo>> Destination::compaction_inputs(Level level, const Call& call) {
  const auto newest = levels_.newest(level);
  auto plan = plan_compaction(levels_.files(level - 1), newest);
  if (plan || plan.error().code != Errc::corrupt) return plan;
  log(LogLevel::warn, "replica has a hole", {{"error", plan.error().message}});
  if (level == 1) {
    if (auto healed = heal_level0(newest, call); !healed || !healed->empty()) return healed;
  }
  // A snapshot bridges what is gone; compaction goes on behind the hole.
  const auto below = levels_.files(level - 1);
  const auto after = std::find_if(below.begin(), below.end(),
                                  [&](const LtxFileInfo& f) { return !newest || f.range.min > newest->range.max; });
  if (after == below.end()) return std::vector<LtxFileInfo>();
  const auto snapshot = levels_.newest(kSnapshotLevel);
  if (!snapshot || snapshot->range.max.next() < after->range.min) {
    if (auto r = write_snapshot(call); !r) return pass(r);
  }
  return plan_compaction(std::vector<LtxFileInfo>(after, below.end()), std::nullopt);
}

// Uploads again what is missing in level 0 and still lies beside the database.
Result<std::vector<LtxFileInfo>> Destination::heal_level0(const std::optional<LtxFileInfo>& newest, const Call& call) {
  const auto remote = levels_.files(0);
  for (const LtxFileInfo& file : origin_.local_files()) {
    if ((newest && file.range.max <= newest->range.max) || file.range.max > replicated()) continue;
    const bool there = std::any_of(remote.begin(), remote.end(), [&](const LtxFileInfo& f) {
      return f.range.min <= file.range.min && file.range.max <= f.range.max;
    });
    if (there) continue;
    auto body = origin_.open_local(file);
    if (!body && body.error().code == Errc::not_found) continue;
    if (!body) return pass(body);
    auto stored = replica_.write(0, file.range, file.created_at, **body, call);
    if (!stored) return pass(stored);
    levels_.added(*stored);
  }
  auto plan = plan_compaction(levels_.files(0), newest);
  return plan ? plan : Result<std::vector<LtxFileInfo>>(std::vector<LtxFileInfo>());
}

Result<void> Destination::retain(Timestamp now, const Call& call) {
  if (options_.retention_enabled && schedule_.may_retain(now)) {
    auto retained = retain_replica(now, call);
    if (!retained && retained.error().code == Errc::permission_denied)
      retained = tell_refusal(retained.error(), now, call);
    if (!retained) return retained;
  }
  return origin_.trim_local(now, call);
}

Result<void> Destination::retain_replica(Timestamp now, const Call& call) {
  const auto newest1 = levels_.newest(1);
  const auto level0 =
      plan_l0_retention(levels_.files(0), newest1 ? newest1->range.max : TxId{}, now, options_.l0_retention);
  if (auto r = remove_from_replica(level0.remove, call); !r) return pass(r, "retain level 0");
  std::vector<std::vector<LtxFileInfo>> levels;
  for (Level level = 1; level <= kMaxCompactionLevel; ++level) levels.push_back(levels_.files(level));
  const auto old = plan_snapshot_retention(levels_.files(kSnapshotLevel), levels, now, options_.snapshot_retention);
  if (auto r = remove_from_replica(old.remove, call); !r) return pass(r, "retain snapshots");
  return {};
}

// A store that refuses to delete holds a replica all the same. Told once, asked again later.
Result<void> Destination::tell_refusal(const Error& refusal, Timestamp now, const Call& call) {
  schedule_.retention_refused(now);
  const bool known = [&] {
    const std::lock_guard guard(status_lock_);
    return std::exchange(status_.retention_error, std::make_unique<Error>(refusal)) != nullptr;
  }();
  if (!known) {
    publish({.kind = EventKind::error,
             .path = {},
             .txid = origin_.captured(),
             .code = std::string(name(refusal.code)),
             .detail = "retention refused: " + refusal.message});
    log(LogLevel::warn, "the store refuses to delete, the replica grows", {{"error", refusal.message}});
  }
  return levels_.load(replica_, call);
}

Result<void> Destination::remove_from_replica(const std::vector<LtxFileInfo>& files, const Call& call) {
  if (files.empty()) return {};
  if (auto r = replica_.remove(files, call); !r) {
    levels_.forget();  // some may be gone
    return r;
  }
  levels_.removed(files);
  {
    const std::lock_guard guard(status_lock_);
    status_.retention_error.reset();
  }
  log(LogLevel::debug, "retention enforced", {{"deleted", std::to_string(files.size())}});
  return {};
}

}  // namespace replica::engine

// Snapshots to a destination.
#include "engine/destination.hpp"
#include "engine/lane_lock.hpp"
#include "engine/maintain.hpp"

namespace replica::engine {

Result<void> Destination::upload_snapshot(const ScratchFile& scratch, const Call& call) {
  auto body = scratch.open();
  if (!body) return pass(body);
  return upload_snapshot(scratch.header(), *body, call);
}

Result<void> Destination::upload_snapshot(const LtxHeader& header, Source& body, const Call& call) {
  auto stored = replica_.write(kSnapshotLevel, header.range, header.timestamp, body, call);
  if (!stored) return pass(stored, "upload snapshot");
  levels_.added(*stored);
  publish({.kind = EventKind::snapshot, .path = {}, .txid = header.range.max, .level = kSnapshotLevel});
  log(LogLevel::info, "snapshot complete", {{"txid", header.range.max.text()}, {"size", std::to_string(stored->size)}});
  return {};
}

// The file of TXID 1 holds every page, so that it is its snapshot too: nothing is read and written again for that.
Result<bool> Destination::upload_first_as_snapshot(const Call& call) {
  constexpr TxId kFirst{1};
  if (origin_.captured() != kFirst || replicated() != kFirst) return false;
  const auto there = levels_.newest(0);
  if (!there || there->range != TxRange{kFirst, kFirst}) return false;
  auto header = origin_.local_header(there->range);
  auto body = header ? origin_.open_local(*there) : Result<std::unique_ptr<Source>>(pass(header));
  if (!body && is_lost(body.error())) return false;
  if (!body) return pass(body, "upload snapshot");
  if (auto r = upload_snapshot(*header, **body, call); !r) return pass(r);
  return true;
}

Result<TxId> Destination::snapshot(const Call& call) {
  auto lock = lock_lane(maintain_lock_, call, "snapshot");
  if (!lock) return pass(lock);
  return write_snapshot(call);
}

// Level 0 first: a snapshot that is ahead of it would pass for the replicated position after a crash. If a hole was
// filled on the way, TXIDs can have been given anew, and the state that was pinned before is of none of them.
Result<TxId> Destination::write_snapshot(const Call& call) {
  constexpr int kAttempts = 3;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const std::uint64_t restarts = origin_.restarts();
    auto scratch = origin_.pin_snapshot(call);
    if (!scratch) return pass(scratch);
    if (auto r = ship(call); !r) return pass(r);
    if (origin_.restarts() != restarts) continue;
    if (auto r = upload_snapshot(*scratch, call); !r) return pass(r);
    return scratch->header().range.max;
  }
  return fail(Errc::busy, "the history of " + origin_.path() + " began anew while a snapshot was made");
}

}  // namespace replica::engine

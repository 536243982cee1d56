// The ship lane of a destination: level-0 files to the replica, in TXID order, and snapshots.
#include <algorithm>
#include <array>

#include "engine/destination.hpp"
#include "engine/lane_lock.hpp"
#include "engine/maintain.hpp"
#include "engine/upload_plan.hpp"
#include "io/file.hpp"
#include "ltx/header.hpp"

namespace replica::engine {
namespace {

struct LocalFile {
  std::unique_ptr<Source> body;
  LtxHeader header;
};

Result<LocalFile> open_with_header(const Origin& origin, const LtxFileInfo& file) {
  auto body = origin.open_local(file);
  if (!body) return pass(body);
  std::array<std::byte, kLtxHeaderSize> bytes{};
  if (auto r = read_exactly(**body, bytes); !r) return pass(r);
  if (auto r = (*body)->rewind(); !r) return pass(r);
  auto header = parse_ltx_header(bytes);
  if (!header) return pass(header);
  return LocalFile{std::move(*body), *header};
}

}  // namespace

Result<TxId> Destination::ship(const Call& call) {
  auto lock = lock_lane(ship_lock_, call, "ship");
  if (!lock) return pass(lock);
  auto shipped = upload_pending(call);
  if (!shipped) {
    // Whatever the store now holds of the failed upload is found out by listing it again.
    levels_.forget();
    position_known_ = false;
    return pass(shipped);
  }
  return replicated();
}

Result<void> Destination::upload_pending(const Call& call) {
  if (believed_) {
    if (auto r = find_believed(call); !r || believed_) return r;
  }
  if (auto r = levels_.load(replica_, call); !r) return r;
  if (!position_known_) {
    note_seen();
    replicated_ = levels_.last().value;
    durable_ = 0;
    if (auto r = join_history(call); !r) return r;
    if (!announced_) announced_ = replicated();
  }
  position_known_ = true;
  met_ = true;
  note_position(true);
  if (replicated() > origin_.captured()) {
    if (auto r = origin_.overtake(replicated(), call); !r) return r;
  }
  const TxId known = origin_.captured();  // more may be captured meanwhile: that is for the next time
  const auto to_ship = origin_.files_to_ship();
  if (!to_ship && replicated() < known) return Failure(to_ship.error());
  const auto files = to_ship.value_or(std::vector<LtxFileInfo>());
  for (auto file = files.begin(); file != files.end(); ++file) {
    if (file->range.max <= replicated()) continue;
    if (file->range.min > replicated().next()) {
      if (auto r = fill_hole(call); !r) return r;
      if (file->range.max <= replicated()) continue;
    }
    auto merged = upload_merged({file, files.end()}, call);
    if (!merged) return pass(merged);
    if (*merged) continue;
    if (auto r = upload(*file, call); !r) return r;
  }
  if (replicated() < known) {
    // The files that would bring the replica up to date are gone from here: a snapshot does.
    if (auto r = fill_hole(call); !r) return r;
  }
  durable_ = replicated_.load();
  announce_synced();
  note_in_step();
  return {};
}

void Destination::note_in_step() {
  const std::lock_guard guard(status_lock_);
  status_.last_sync_at = environment_.clock->now();
  changed_at_rest_ = true;
  last_error_.reset();
  error_of_maintenance_ = false;
  status_.auth_failed = false;
}

// The file of the replica's last TXID must be the one that lies here under it. Another one was made from another state
// (the local file was lost, or all of this is an older copy put back in place), and what follows it here must not
// follow it there.
Result<void> Destination::join_history(const Call& call) {
  auto to_ship = origin_.files_to_ship();
  if (!to_ship) return pass(to_ship);
  const auto& files = *to_ship;
  const auto mine =
      std::find_if(files.begin(), files.end(), [&](const LtxFileInfo& f) { return f.range.max == replicated(); });
  if (mine != files.end()) {
    auto same = is_on_replica(*mine, call);
    if (!same) return pass(same);
    return *same ? Result<void>{} : begin_anew(call);
  }
  // Local files that begin later leave a hole, which is filled. One that begins just behind may follow another file of
  // the same TXID, if TXIDs went on here from a destination that had come less far.
  if (origin_.single() || !replicated() || origin_.anew_behind(replicated())) return {};
  const auto next =
      std::find_if(files.begin(), files.end(), [&](const LtxFileInfo& f) { return f.range.max > replicated(); });
  const bool unproved = next != files.end() && next->range.min <= replicated().next();
  return unproved ? begin_anew(call) : Result<void>{};
}

Result<void> Destination::begin_anew(const Call& call) {
  log(LogLevel::warn, "replica holds another history, continuing behind it", {{"txid", replicated().text()}});
  return origin_.start_anew(replicated(), call);
}

Result<bool> Destination::is_on_replica(const LtxFileInfo& mine, const Call& call) {
  auto here = origin_.local_header(mine.range);
  if (!here) return is_lost(here.error()) ? Result<bool>(false) : Result<bool>(pass(here));
  for (Level level = 0; level <= kSnapshotLevel; ++level) {
    const auto newest = levels_.newest(level);
    if (!newest || newest->range.max != mine.range.max) continue;
    auto there = replica_.read_header(*newest, call);
    if (!there) return pass(there, "read newest header of replica");
    shipped_page_size_ = there->page_size;
    if (level == kSnapshotLevel) {
      // It has a time of its own: that of a state that was captured by then.
      return here->timestamp <= there->timestamp && here->commit == there->commit;
    }
    if (newest->range == mine.range) {
      return newest->size == mine.size && ltx::encode_header(*here) == ltx::encode_header(*there);
    }
    return here->timestamp == there->timestamp && here->commit == there->commit && here->page_size == there->page_size;
  }
  return true;
}

// What was captured since the last upload, or a part of a backlog, as one object. False: the first of `pending` goes
// alone.
Result<bool> Destination::upload_merged(std::span<const LtxFileInfo> pending, const Call& call) {
  const UploadLimits limits{.interval = sync_interval(),
                            .max_bytes = origin_.max_file_bytes(),
                            .alone_from = replica_.backend()->capabilities().links_files ? kAloneWhereLinked : 0,
                            .backlogged = backlogged(options_, environment_.clock->now())};
  pending = pending.first(uploaded_together(pending, limits));
  if (pending.size() == 1 || shipped_page_size_ == 0) return false;
  const OpenInput open = [&](const LtxFileInfo& file) -> Result<std::unique_ptr<Reader>> {
    auto local = open_with_header(origin_, file);
    if (!local) return pass(local);
    if (local->header.page_size != shipped_page_size_) return fail(Errc::corrupt, "another page size");
    return std::unique_ptr<Reader>(std::move(local->body));
  };
  auto done = compact(replica_, 0, {pending.begin(), pending.end()}, open, origin_.scratch_directory(), call,
                      environment_.gate);
  if (!done) {
    // One that is lost, or starts the history over, is met again when it goes alone.
    return is_lost(done.error()) ? Result<bool>(false) : Result<bool>(pass(done, "upload " + pending.front().name()));
  }
  note_uploaded(done->file);
  return true;
}

Result<void> Destination::upload(const LtxFileInfo& file, const Call& call) {
  auto local = open_with_header(origin_, file);
  if (!local) {
    if (!is_lost(local.error())) return pass(local, "upload " + file.name());
    if (auto r = origin_.drop_lost(file.range, call); !r) return r;
    return fill_hole(call);
  }
  // A file with another page size starts the history over: the snapshot that makes it restorable must be there first.
  if (auto r = learn_page_size(call); !r) return r;
  if (shipped_page_size_ != 0 && local->header.page_size != shipped_page_size_) {
    if (auto r = upload_as_snapshot(file, call); !r) return r;
  }
  shipped_page_size_ = local->header.page_size;
  auto stored = replica_.write(0, file.range, local->header.timestamp, *local->body, call);
  if (!stored) return pass(stored, "upload " + file.name());
  note_uploaded(*stored);
  return {};
}

void Destination::note_uploaded(const LtxFileInfo& stored) {
  levels_.added(stored);
  replicated_ = stored.range.max.value;
  durable_ = replicated_.load();
  note_position(false);
  note_seen();
  {
    const std::lock_guard guard(status_lock_);
    ++status_.uploads;
    status_.upload_bytes += stored.size;
  }
  log(LogLevel::debug, "ltx file uploaded", {{"txid", stored.range.max.text()}, {"size", std::to_string(stored.size)}});
}

// The page size of the newest file on the replica, asked for once.
Result<void> Destination::learn_page_size(const Call& call) {
  if (shipped_page_size_ != 0) return {};
  for (Level level = 0; level <= kSnapshotLevel; ++level) {
    const auto newest = levels_.newest(level);
    if (!newest || newest->range.max != replicated()) continue;
    auto header = replica_.read_header(*newest, call);
    if (!header) return pass(header, "read newest header of replica");
    shipped_page_size_ = header->page_size;
    return {};
  }
  return {};
}

Result<void> Destination::upload_as_snapshot(const LtxFileInfo& file, const Call& call) {
  origin_.note_restart();
  auto body = origin_.open_local(file);
  if (!body) return pass(body);
  auto decoder = LtxDecoder::begin(**body);
  if (!decoder) return pass(decoder);
  LtxHeader header = decoder->header();
  header.range.min = TxId{1};
  header.wal_offset = header.wal_size = 0;
  header.salts = {};
  auto copy_pages = [&](LtxEncoder& encoder) -> Result<void> {
    for (;;) {
      auto page = decoder->next();
      if (!page) return pass(page);
      if (!*page) return {};
      if (auto r = encoder.add(**page); !r) return r;
    }
  };
  auto scratch = ScratchFile::write(origin_.scratch_directory(), header, copy_pages, environment_.gate);
  if (!scratch) return pass(scratch, "restart history at a new page size");
  return upload_snapshot(*scratch, call);
}

Result<void> Destination::fill_hole(const Call& call) {
  origin_.note_restart();
  log(LogLevel::warn, "local files behind the replica are gone, uploading a snapshot instead",
      {{"replica", replicated().text()}, {"local", origin_.captured().text()}});
  auto scratch = origin_.pin_snapshot(call);
  if (!scratch) return pass(scratch);
  if (auto r = upload_snapshot(*scratch, call); !r) return r;
  shipped_page_size_ = scratch->header().page_size;
  replicated_ = scratch->header().range.max.value;
  note_position(false);
  return {};
}

}  // namespace replica::engine

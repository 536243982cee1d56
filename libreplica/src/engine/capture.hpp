// From the application's WAL to level-0 LTX files, without ever losing a committed frame.
//
// The invariant, kept here and asserted by every read: between the opening of one pin and the opening of the next,
// everything up to mxFrame has been captured, or is found and proved right after (step_aside). Where continuity cannot
// be proved the database is anchored again: compared page by page with the hash map and the difference written as one
// ordinary file (docs/architecture.md, lock protocol).
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "engine/checkpoint_policy.hpp"
#include "engine/environment.hpp"
#include "engine/held_changes.hpp"
#include "engine/image.hpp"
#include "engine/wal_mark.hpp"
#include "io/small_mutex.hpp"
#include "store/local_store.hpp"
#include "store/page_hash_map.hpp"

namespace replica::engine {

struct CaptureSettings {
  std::string path;
  std::string meta_path;
  std::chrono::milliseconds busy_timeout{1000};
  std::uint64_t max_sync_wal_bytes = 0;
  bool convert_to_wal = true;
};

struct CaptureCounters {
  std::uint64_t files = 0, wal_bytes = 0;
  // What happens some times a second at most.
  std::uint32_t anchors = 0, passive_checkpoints = 0, hard_checkpoints = 0;
  std::uint32_t steps_aside = 0;  // of them with a restart of the log meanwhile:
  std::uint32_t restarts_aside = 0;
};

// The log no longer reads as the continuation of what is known; every other error is a failure to try again.
bool breaks_continuity(const Error& error);

// A pinned state of the database with the TXID it belongs to; the pin is the caller's.
struct PinnedImage {
  std::unique_ptr<Pin> pin;
  DatabaseImage image;
  TxId txid;
};

// The files of a database that was let go of.
struct FilesAtRest {
  io::FileStamp main;
  std::optional<io::FileStamp> wal{};
};

// One thread at a time (the database's capture lock).
class Capture {
 public:
  // `store` and `store_lock`, which guards it against the lanes that ship and retain, outlive the capture.
  Capture(CaptureSettings settings, store::LocalStore& store, io::SmallMutex& store_lock, Environment environment);

  // TXIDs continue behind `base` even when the local store ends before it (the replica is ahead).
  void set_base(TxId base) { base_ = base; }
  TxId last() const;

  bool attached() const noexcept { return pin_.has_value(); }
  // Pins the WAL and continues where the newest file ended, or anchors. Takes no write lock. not_found while there is
  // no database, or an empty one.
  Result<void> attach();
  // Drops the pin as an application closes: when nobody else has the database open, the WAL is checkpointed and goes. A
  // WAL that is left behind has to be recovered by the next opener, and SQLite before 3.50 can lose commits in that
  // (WalDecoder::accept_unsummed says from what). What was captured stays, but for what is held in memory.
  void detach() noexcept;
  // The same once what is held is written.
  void close() noexcept;

  // close() in such a way that attach() can go on without reading the database, as long as nobody writes to its file
  // meanwhile, and that nothing has been committed as long as nobody writes to either file. nullopt: not now, and
  // nothing was done, or writers came between (then it is detached). With `destinations`, which then have everything,
  // the mark also says what Database::stay_at_rest() needs.
  Result<std::optional<FilesAtRest>> rest(std::optional<DestinationsAtRest> destinations = {});

  // Is there something to capture? Reads shared memory only.
  Result<bool> has_changes();
  // Bytes of the WAL that are committed and not captured; 0 when that cannot be said. Reads shared memory only.
  std::uint64_t uncaptured_bytes();
  // Frames that keep the next writer from restarting the log; 0 when it will, or that cannot be said. Shared memory
  // too.
  std::uint64_t log_frames();
  // Captures everything committed by now. The number of files written.
  Result<std::size_t> capture();
  // The same into memory, while that has room for it, as swap(), checkpoint_easily() and step_aside() do; and writing
  // what is held there.
  Result<std::size_t> hold();
  Result<std::size_t> flush();

  // Moves the pin forward without ever dropping it.
  Result<void> swap();
  // complete: everything is backfilled, so that the next writer restarts the WAL by itself, or it has done so.
  // behind_writers: they left no gap between commits that was long enough. held_back: by a reader of the application.
  enum class Backfill { complete, behind_writers, held_back };
  // Easy: writers notice nothing.
  Result<Backfill> checkpoint_easily();
  // The same with few attempts, and behind_writers at once where those were in vain lately.
  Result<Backfill> checkpoint_in_gaps();
  // Until somebody commits, seen by looks at the wal-index with a `pause` before each; false: `looks` saw nobody.
  Result<bool> await_commit(const std::function<void()>& pause, int looks);
  bool finds_no_gaps() const noexcept { return gaps_.in_vain(); }
  // Without a pin for a moment, so that a checkpoint of the application itself can complete; writers find what they
  // would find without us. Calls `pause` between looks at the log, `looks` times at most.
  Result<Backfill> step_aside(const std::function<void()>& pause, int looks);
  // It was what helped the last time.
  bool helps_to_step_aside() const { return may_step_aside() && easy_attempts_ < kEasyAttempts; }
  // Moves the pin forward and backfills up to it, without capturing, when it is the pin that keeps everything in the
  // log from being backfilled: an application would look at all of that at every commit, in vain. False: not so.
  Result<bool> backfill_ahead();
  // Hard: takes the write lock for as long as the last few frames take. `busy` when it is not to be had.
  Result<void> checkpoint_hard();
  // The log has frames that SQLite left unsummed: who recovers it loses what follows them.
  bool is_unrecoverable() const noexcept { return unrecoverable_ == position_.salts; }
  // Truncates the log, all of which is backfilled, if nobody reads from it and the write lock is to be had at once.
  Result<bool> truncate_log();

  // The state at this moment, captured up to just there, with a pin of its own.
  Result<PinnedImage> pin_image();

  // Brings the page-hash map up to last(). Needed before level-0 files behind it are deleted.
  Result<void> fold_hashes();
  // The same for the next anchoring's sake, before the database is let go of: what is quickly read then is left to it.
  Result<void> fold_before_leaving();
  TxId hashes_txid() const noexcept { return hashes_txid_; }  // as of the last fold

  std::uint64_t wal_frames() const noexcept { return position_.frames; }
  std::uint32_t page_size() const noexcept { return position_.page_size; }
  std::uint32_t commit() const noexcept { return commit_; }
  std::uint64_t frames_since_checkpoint() const noexcept { return frames_since_checkpoint_; }
  const CaptureCounters& counters() const noexcept { return counters_; }
  void count_from(const CaptureCounters& counters) { counters_ = counters; }

 private:
  // A connection for the next pin, without a read transaction. It takes turns with that of the pin, and checkpoints in
  // between: opening one anew each time would take as long as a short checkpoint.
  Result<Pin> open_spare() const;
  Result<void> swap(Pin& spare);
  // Captures up to where `next` has begun, and makes it the pin; `next` is the old one then.
  Result<void> capture_and_move(Pin& next);
  // Captures, then moves the pin: what is committed in between is pinned, and captured later.
  Result<void> step_pin(Pin& spare);
  Result<std::optional<Pin>> move_pin_ahead();
  Result<void> lock_out_writers(io::Connection& writer, Pin& spare);
  enum class Continuity { same, restarted, lost };
  io::ConnectionOptions connection_options() const;
  Result<Pin> open_pin() const;
  Result<void> identify_database();
  Result<Pin> open_first_pin();  // after a switch to the write-ahead log, if it takes one
  Result<void> switch_to_wal();
  void leave();
  Result<std::optional<FilesAtRest>> look_for_rest();
  // Continues in the WAL generation in which the newest file ends; false when that cannot be proved.
  Result<bool> continue_from_mark(const WalMark& mark);
  // The same when the database file has not been written to since rest().
  Result<bool> continue_untouched(const WalMark& mark);
  Result<bool> continue_with(const WalMark& mark);  // either
  Result<bool> go_on(const WalPosition& from, std::uint32_t commit, const wal::WalIndexHeader& index);
  Result<std::optional<LtxHeader>> find_newest(const std::optional<WalMark>& mark);
  void leave_mark(std::optional<io::FileStamp> untouched = {}, std::optional<RestMark> rest = {});
  Result<std::optional<RestMark>> rest_mark(const FilesAtRest& left, DestinationsAtRest destinations) const;
  // Kept: the pin there is was opened for this, and nothing has been concluded from the log since.
  enum class AnchorPin { anew, kept };
  Result<void> anchor(std::string_view reason, AnchorPin first = AnchorPin::anew);  // detached after a failure
  Result<bool> anchor_once();  // false = the WAL moved meanwhile: again
  Result<void> write_difference(DatabaseImage& image, store::PageHashMap& hashes);
  Result<void> write_everything(DatabaseImage& image);
  Result<void> build_hashes();
  Result<bool> hashes_within_reach();
  std::vector<LtxFileInfo> local_files() const;
  bool has_files() const;
  Result<std::optional<store::PageHashMap>> begin_hashes(const DatabaseImage& image);
  Result<std::optional<store::PageHashMap>> late_hashes(const LtxFileInfo& first);
  // The map as of last(), or nullopt: there is none, or files between it and last() are gone.
  Result<std::optional<store::PageHashMap>> usable_hashes();

  void adopt(const DatabaseImage& image);
  Continuity continuity(const wal::WalIndexHeader& index) const;
  // Where to put what is captured: memory while it has room for it, files else.
  enum class Into { files, memory };
  // Captures up to `index` (all of it when it is the newest); into files, with what was held.
  Result<std::size_t> capture_to(const wal::WalIndexHeader& index, Into into);
  Result<void> read_log(const wal::WalIndexHeader& index, Into into);
  // No: the log may be restarted while it is read, and the answer is `corrupt` then.
  enum class Pinned { no, yes };
  Result<void> read_frames(const wal::WalIndexHeader& index, Into into, Pinned pinned);
  Result<void> capture_range(WalFile& wal, std::uint64_t to_frame, Into into, Pinned pinned);
  Result<void> take_changes(WalFile& wal, const Changeset& changes, Into into);
  // What was committed without a pin, in the generation that `index` is of, or before the one restart. True = there was
  // one, and `index` is of the new generation.
  Result<bool> capture_unpinned(const WalHeader& generation, wal::WalIndexHeader& index);
  // What was committed without a pin before the log was restarted; `corrupt` when that cannot be proved.
  Result<void> capture_rest(const WalHeader& generation, const wal::WalIndexHeader& now);
  // One file of what is held and, when there is a `wal`, its `changes`.
  Result<void> write_changes(WalFile* wal, const Changeset& changes);
  Result<void> add_pages(LtxEncoder& encoder, const LtxHeader& header, WalFile* wal, const Changeset& changes);
  LtxHeader next_header(std::uint32_t page_size, std::uint32_t commit) const;
  LtxHeader header_up_to(std::uint64_t end_frame, std::uint32_t commit) const;
  Result<void> commit_file(store::LocalStore::NewFile& file, const LtxHeader& header);

  CaptureSettings settings_;
  store::LocalStore* store_;
  io::SmallMutex* store_lock_;
  Environment environment_;
  TxId base_;
  LtxHeader newest_;       // header of the newest level-0 file; void while there is none
  io::FileInfo identity_;  // of the database file when it was attached
  std::optional<Pin> pin_;
  WalPosition position_;      // behind all that is captured, held or written
  std::uint32_t commit_ = 0;  // as of the newest file
  HeldChanges held_;
  std::optional<Salts> unrecoverable_;  // the generation that has unsummed frames
  bool may_restart_ = false;            // one change of generation is allowed before the next frames
  Result<Backfill> checkpoint_easily(int attempts);
  GapTries gaps_;
  static constexpr int kEasyAttempts = 8;
  int easy_attempts_ = 1;  // of the next time: one, until stepping aside has not helped
  // A proof that failed has cost an anchoring: the next time is put off, 10 s, 20 s, 40 s … an hour. An application
  // that does not checkpoint (yet) is not helped: then until the log has twice the length.
  bool may_step_aside() const {
    return environment_.clock->steady() >= aside_from_ && position_.frames >= aside_beyond_;
  }
  void put_off_stepping_aside();
  Clock::Steady aside_from_{};
  std::uint64_t aside_beyond_ = 0;  // frames of this generation
  int lost_proofs_ = 0;
  std::uint64_t frames_since_checkpoint_ = 0;
  TxId hashes_txid_;
  CaptureCounters counters_;
};

}  // namespace replica::engine

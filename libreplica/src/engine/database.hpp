// One replicated database: the lane of capture and the local store, and its destinations, each with a lane for shipping
// and one for maintenance. A lane runs one at a time beside the others, so that capturing never waits for the network,
// shipping never for a compaction, and no destination for another.
//
// Lock order: maintain → ship (of one destination) → capture → store. A lane takes locks to its right only.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/maybe_time.hpp"
#include "engine/capture.hpp"
#include "engine/checkpoint_policy.hpp"
#include "engine/destination.hpp"
#include "engine/lasting.hpp"
#include "engine/settings.hpp"
#include "io/small_mutex.hpp"
#include "replica/database.hpp"

namespace replica::engine {

// Safe from any thread.
class Database final : private Origin {
 public:
  // `options` and `environment` outlive the database.
  Database(const DatabaseConfig& config, const ReplicatorOptions& options, const Environment* environment)
      : Database(config, options, nullptr, environment) {}
  // `options` outlives it.
  Database(const DatabaseConfig& config, const ReplicatorOptions& options, Environment environment)
      : Database(config, options, std::make_unique<const Environment>(environment), nullptr) {}
  ~Database() override;

  const Settings& config() const noexcept { return config_; }

  struct Captured {
    std::size_t files = 0;      // level-0 files written by this call
    bool attached_now = false;  // this call attached the database
    bool left_closed = false;   // it would have had to be opened, and was not to be
    // When tend() is worth it, if the log goes on growing as it did.
    std::optional<std::chrono::milliseconds> tend_in{};
    // When it is to look whether the log, which nobody could recover, can be truncated.
    std::optional<std::chrono::milliseconds> truncate_in{};
  };
  // Attaches when needed (not_found while there is no database), captures all that is committed, checkpoints when due.
  enum class Opening { yes, no };
  Result<Captured> capture(const Call& call, Opening opening = Opening::yes);
  // Between two captures of a busy database: keeps the log, and what writers pay for our pin, small.
  Result<Captured> tend(const Call& call);
  // To each destination in turn; the others also when one fails, whose error is then the answer.
  // Uploads in TXID order what the replica lacks. The replicated position.
  Result<TxId> ship(const Call& call);
  // Compaction, snapshot and retention as far as they are due.
  Result<void> maintain(const Call& call);
  // The same for one destination while it rests, without opening it. False: it has to be opened.
  Result<bool> maintain_at_rest(std::size_t number, const Call& call);
  // Writes a level-9 snapshot of the state right now.
  Result<TxId> snapshot(const Call& call);
  // Removes from the replica what retention does not keep, due or not.
  Result<void> enforce_retention(const Call& call);
  // When maintain() has something to do next; nullopt = not before something is captured.
  std::optional<Timestamp> next_maintenance();

  // One by one; the numbers stand for the order of the configuration.
  std::size_t destinations() const noexcept { return destinations_.size(); }
  Destination& destination(std::size_t number) noexcept { return *destinations_[number]; }
  const Destination& destination(std::size_t number) const noexcept { return *destinations_[number]; }

  // Lets go of a quiet database whose replicas have everything: no connection, no descriptor, until there is something
  // to capture or wake() is called. False: not now.
  Result<bool> rest(const Call& call);
  // Opens it again if it rests: before maintenance and snapshots. True: it did.
  Result<bool> wake(const Call& call);
  bool resting() const override;
  // Before the first capture() since it was opened: leaves a database at rest that rested, or was at rest when it was
  // closed, in the run before, if the mark proves that nothing has been written since. Nothing is opened and nothing
  // listed; what the replicas hold is believed. Where nobody is told of changes to the file, they are to be watched
  // before. False: not so, capture() opens it.
  Result<bool> stay_at_rest(const Call& call);

  // For other databases that wait to be opened (make_way.cpp): rest(), after a checkpoint if it takes one. At any rate:
  // also when something is not shipped, or is being written; the next capture then goes on by what there is to prove
  // it.
  enum class Way { made, soon, not_now };  // soon: ask again once the times of the files have settled
  Result<Way> make_way(const Call& call, bool at_any_rate);
  bool is_aside() const;  // it made way at any rate, and has not been opened since
  // Has it descriptors?
  bool is_open() const noexcept { return open_; }

  // Lets go of the database: no connection, no descriptor. What was captured stays; capture() opens it again.
  void close();

  TxId captured() const override;  // local position
  TxId replicated() const;         // durable on every replica
  // As replicated(), but never a position that a replica only has from another history: what was captured up to here
  // is on all of them.
  TxId durable() const;
  std::optional<Timestamp> behind_since() const;  // as in status()
  std::optional<Timestamp> behind_since(std::size_t number) const;
  DatabaseStatus status() const;
  // Of a capture; shown by status() until the next upload.
  void note_error(const Error& error);
  // Of a lane of a destination.
  void note_error(std::size_t number, const Error& error, bool of_maintenance);
  void note_uploaded();  // to any of them

 private:
  Database(const DatabaseConfig& config, const ReplicatorOptions& options, std::unique_ptr<const Environment> own,
           const Environment* environment);
  Result<Captured> capture_locked(const Call& call, Opening opening = Opening::yes);
  std::uint64_t bytes_logged();
  void measure_growth();
  void measure_from_now();
  Result<std::optional<std::chrono::milliseconds>> truncate_unrecoverable();
  bool checkpoints_by_stepping_aside() const;
  bool lets_log_grow() const;  // for its writers leave no gap between commits
  bool is_tended_soon() const;
  std::uint64_t wanted_frames() const;
  std::optional<std::chrono::milliseconds> long_in();
  void detach_after(const Error& error);
  Result<Capture::Backfill> step_aside();
  Result<void> attach_and_capture(const Call& call, bool& attached_now);
  Result<void> ensure_store();
  bool lies_still() const;
  bool must_open() const;
  void let_go();
  void let_go(const FilesAtRest& left, bool complete);
  void set_aside(const FilesAtRest& left);
  // stay_at_rest.cpp
  std::optional<DestinationsAtRest> destinations_at_rest();
  Result<std::optional<WalMark>> rest_mark(FilesAtRest& files) const;
  void show_at_rest();
  void save_what_was_seen();
  Result<void> change_rest_mark(const std::function<void(WalMark&)>& change);
  bool all_shipped() const;
  Result<Way> make_way_locked(bool at_any_rate, bool lanes_held);
  Result<bool> prepare_rest(bool at_any_rate);
  Result<store::LocalStore::Meta> make_meta_directory();
  Result<void> sweep_scratch();
  Result<bool> may_maintain_at_rest(const Call& call);
  Result<void> ensure_attached(const Call& call);
  Result<void> follow_replica(const Call& call);
  struct Furthest {
    Destination* destination = nullptr;
    TxId position;
  };
  Result<Furthest> find_furthest(const Call& call);
  Result<void> import_newest(Destination& from, TxId position, const Call& call);
  Result<void> start_behind(TxId remote);
  bool knows_replica() const;
  bool began_anew_behind(TxId position) const;
  TxId furthest() const;
  bool replaced();
  Result<void> checkpoint_if_due();
  Result<Capture::Backfill> checkpoint(CheckpointNeed need);
  Result<void> each(const std::function<Result<void>(Destination&)>& step);
  // What has been counted: the captures of those that were let go of included.
  struct Counts {
    std::uint64_t syncs = 0;
    std::uint32_t sync_errors = 0, hibernations = 0, checkpoint_errors = 0;
    double sync_seconds = 0, checkpoint_seconds = 0;
    CaptureCounters captures{};
  };
  void refresh_status();
  Counts& counts();                  // status_lock_ is held
  CaptureCounters captures() const;  // takes it
  std::optional<Timestamp> worse(std::optional<Timestamp> since) const;
  void add_replicas(DatabaseStatus& status) const;

  // What the destinations ask.
  const std::string& path() const noexcept override { return config_.path; }
  std::string meta_path() const;
  std::vector<DestinationConfig> destination_configs() const;
  std::string scratch_directory() const override;
  std::uint64_t max_file_bytes() const noexcept override;
  bool single() const noexcept override { return destinations_.size() == 1; }
  std::vector<LtxFileInfo> local_files() const override;
  Result<std::vector<LtxFileInfo>> files_to_ship() const override;
  Result<std::unique_ptr<Source>> open_local(const LtxFileInfo& file) const override;
  Result<LtxHeader> local_header(TxRange range) const override;
  std::uint64_t restarts() const noexcept override { return restarts_; }
  void note_restart() noexcept override { ++restarts_; }
  Result<void> doubt(const Call& call) override;
  Result<void> wake_for_missing(const Call& call) override;
  Result<void> drop_lost(TxRange range, const Call& call) override;
  Result<void> overtake(TxId position, const Call& call) override;
  Result<void> start_anew(TxId position, const Call& call) override;
  bool anew_behind(TxId position) const override { return position && anew_behind_ == position.value; }
  Result<ScratchFile> pin_snapshot(const Call& call) override;
  Result<void> trim_local(Timestamp now, const Call& call) override;

  const ReplicatorOptions& options_;
  std::unique_ptr<const Environment> own_environment_;  // where it is not shared
  const Environment& environment_;
  Settings config_;
  std::vector<std::unique_ptr<Destination>> destinations_;

  io::SmallMutex capture_lock_;
  mutable io::SmallMutex store_lock_;
  bool aside_ = false;  // store_lock_ too: closed, but to be opened again
  // These only while it is open: a database at rest has none.
  std::unique_ptr<store::LocalStore> store_;  // store_lock_, but opened and closed under capture_lock_
  std::unique_ptr<io::File> owner_lock_;      // capture_lock_ from here on
  std::unique_ptr<Capture> capture_;
  // What is known of its files and its log; as long as it does not hibernate, closed in between or not.
  struct Awake {
    io::FileInfo identity;
    CheckpointPolicy checkpoint_policy;
    Clock::Steady last_checkpoint{}, next_checkpoint{};
    int failed_checkpoints = 0;
    std::uint64_t missed_frames = 0;  // of the log when writers last left no gap for a checkpoint, and
    Clock::Steady missed_at{};
    Clock::Steady grown_at{};       // when growth was measured, and
    std::uint64_t grown_bytes = 0;  // all that had been written to the log by then
    Growth growth{};
    Clock::Steady quiet_from{};     // as seen by truncate_unrecoverable(), and
    std::uint64_t quiet_bytes = 0;  // what had been written to the log by then
  };
  std::unique_ptr<Awake> awake_;  // there while capture_ is
  // While it rests: what there is to see of it. Without one it is open, or closed.
  struct Resting {
    FilesAtRest left;
    TxId txid;
  };
  std::optional<Resting> resting_;
  std::atomic<bool> open_{false};              // store_, and what belongs to it
  bool told_started_ = false;                  // since it was opened
  bool swept_ = false;                         // its scratch directory, since then
  std::atomic<bool> opened_{false};            // a capture or stay_at_rest() has found it
  std::atomic<std::uint64_t> anew_behind_{0};  // position behind which the next file holds every page
  std::atomic<std::uint64_t> restarts_{0};     // of the history on a replica, by a snapshot of the ship lane

  mutable io::SmallMutex status_lock_;
  struct Figures {
    TxId local_txid;
    std::uint64_t database_bytes = 0, wal_bytes = 0;
    bool ready = false, hibernating = false, disk_full = false;
    bool rest_complete = false;  // while it hibernates: as rest() does it, with everything shipped
  };
  Figures status_;
  // Made with the first that counts: one that has been at rest since the start has nothing.
  Lasting<Counts> counts_;                  // status_lock_ from here on
  std::unique_ptr<NotedError> last_error_;  // of the capture
  std::uint64_t errors_ = 0;                // noted so far
  std::uint64_t uncaptured_bytes_ = 0;
  base::MaybeTimestamp failing_since_;  // the first of the captures that failed one after another
};

}  // namespace replica::engine

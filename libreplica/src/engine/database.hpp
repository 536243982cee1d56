// One replicated database: capture, ship and maintain, each a lane that runs one at a time beside the others, so that
// capturing never waits for the network and shipping never for a compaction.
//
// Lock order: maintain → ship → capture → store. A lane takes locks to its right only.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "engine/backlog.hpp"
#include "engine/capture.hpp"
#include "engine/checkpoint_policy.hpp"
#include "engine/levels.hpp"
#include "engine/maintenance.hpp"
#include "engine/scratch_file.hpp"
#include "replica/database.hpp"

namespace replica::engine {

// Safe from any thread.
class Database {
 public:
  // `options` and `environment` outlive the database.
  Database(DatabaseConfig config, const ReplicatorOptions& options, Environment environment);
  ~Database();

  const DatabaseConfig& config() const noexcept { return config_; }

  struct Captured {
    std::size_t files = 0;      // level-0 files written by this call
    bool attached_now = false;  // this call attached the database
    // When tend() is worth it, if the log goes on growing as it did.
    std::optional<std::chrono::milliseconds> tend_in{};
  };
  // Attaches when needed (not_found while there is no database), captures all that is committed, checkpoints when due.
  Result<Captured> capture(const Call& call);
  // Between two captures of a busy database: keeps the log, and what writers pay for our pin, small.
  Result<Captured> tend(const Call& call);
  // Uploads in TXID order what the replica lacks. The replicated position.
  Result<TxId> ship(const Call& call);
  // Compaction, snapshot and retention as far as they are due.
  Result<void> maintain(const Call& call);
  // When maintain() has something to do next; nullopt = not before something is captured.
  std::optional<Timestamp> next_maintenance();
  // Writes a level-9 snapshot of the state right now.
  Result<TxId> snapshot(const Call& call);
  // Removes from the replica what retention does not keep, due or not.
  Result<void> enforce_retention(const Call& call);

  // Lets go of the database: no connection, no descriptor. What was captured stays; capture() opens it again.
  void close();

  TxId captured() const;    // local position
  TxId replicated() const;  // durable on the replica
  // As replicated(), but never a position that the replica only has from another history: what was captured up to here
  // is on the replica.
  TxId durable() const;
  std::optional<Timestamp> behind_since() const;  // as in status()
  DatabaseStatus status() const;
  // Shown by status() until the next upload; of maintenance, until that succeeds, which may be in an idle database.
  void note_error(const Error& error, bool of_maintenance = false);
  void note_maintained();
  // Of an upload that failed; true when the store refuses since now.
  bool note_upload_failure(const Error& error);

 private:
  Result<Captured> capture_locked(const Call& call);
  std::optional<std::chrono::milliseconds> note_growth();
  bool checkpoints_by_stepping_aside() const;
  std::optional<std::chrono::milliseconds> long_in();
  Result<Capture::Backfill> step_aside();
  Result<void> attach_and_capture(const Call& call, bool& attached_now);
  Result<void> ensure_store();
  Result<void> sweep_scratch();
  Result<void> ensure_attached(const Call& call);
  Result<void> follow_replica(const Call& call);
  Result<void> start_behind(TxId remote);
  bool replaced();
  Result<void> checkpoint_if_due();
  Result<Capture::Backfill> checkpoint(CheckpointNeed need);
  Result<void> upload_pending(const Call& call);
  Result<void> join_history(const Call& call);
  Result<bool> is_on_replica(const LtxFileInfo& mine, const Call& call);
  Result<void> upload(const LtxFileInfo& file, const Call& call);
  Result<bool> upload_merged(std::span<const LtxFileInfo> pending, const Call& call);
  void note_uploaded(const LtxFileInfo& stored);
  Result<std::unique_ptr<Source>> open_local(const LtxFileInfo& file) const;
  Result<void> learn_page_size(const Call& call);
  Result<void> upload_as_snapshot(const LtxFileInfo& file, const Call& call);
  Result<void> upload_snapshot(const ScratchFile& scratch, const Call& call);
  Result<ScratchFile> pin_snapshot(const Call& call);
  Result<TxId> write_snapshot(const Call& call);
  Result<void> replace_lost(const LtxFileInfo& file, const Call& call);
  Result<void> fill_hole(const Call& call);
  Result<void> compact_level(Level level, const Call& call);
  Result<std::vector<LtxFileInfo>> compaction_inputs(Level level, const Call& call);
  Result<std::vector<LtxFileInfo>> heal_level0(const std::optional<LtxFileInfo>& newest, const Call& call);
  Result<void> retain(Timestamp now, const Call& call);
  Result<void> retain_replica(Timestamp now, const Call& call);
  Result<void> tell_refusal(const Error& refusal, Timestamp now, const Call& call);
  Result<void> remove_from_replica(const std::vector<LtxFileInfo>& files, const Call& call);
  Result<void> trim_local(Timestamp now, const Call& call);
  std::vector<LtxFileInfo> local_files() const;
  std::string scratch_directory() const;
  void refresh_status();
  std::optional<Timestamp> behind_since_locked() const;
  void note_position(bool known);
  void announce_synced();

  DatabaseConfig config_;
  const ReplicatorOptions& options_;
  Environment environment_;
  CheckpointPolicy checkpoint_policy_;
  std::optional<Replica> replica_;
  Levels levels_;

  std::timed_mutex maintain_lock_, ship_lock_, capture_lock_;
  mutable std::mutex store_lock_;
  std::optional<store::LocalStore> store_;  // store_lock_, but opened and closed under capture_lock_
  io::File owner_lock_;                     // capture_lock_ from here on
  std::optional<Capture> capture_;
  io::FileInfo identity_;
  Clock::Steady last_checkpoint_{}, next_checkpoint_{};
  int failed_checkpoints_ = 0;
  Clock::Steady grown_at_{};       // the last capture that found something, and
  std::uint64_t grown_bytes_ = 0;  // all that were captured by then
  Growth growth_;                  // between the last two of them
  bool told_started_ = false;      // since it was opened

  MaintenanceSchedule schedule_;         // maintain_lock_
  std::uint32_t shipped_page_size_ = 0;  // ship_lock_
  bool position_known_ = false;          // ship_lock_: replicated_ is what the replica's listing said or better
  std::optional<TxId> announced_;        // ship_lock_: the last position told as `synced`, or found at first
  std::atomic<std::uint64_t> replicated_{0}, durable_{0};
  std::atomic<std::uint64_t> restarts_{0};  // of the history on the replica, by a snapshot of the ship lane

  mutable std::mutex status_lock_;
  DatabaseStatus status_;
  bool error_of_maintenance_ = false;  // status_lock_: last_error is
  Backlog backlog_;                    // status_lock_ from here on
  // What lies here from before this time may be on the replica: it counts once the replica's position is known.
  std::optional<Timestamp> count_from_;
  std::uint64_t uncaptured_bytes_ = 0;
  std::optional<Timestamp> failing_since_;  // the first of the captures that failed one after another
};

}  // namespace replica::engine

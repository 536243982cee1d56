// One copy of a database: its position, its lanes (ship, maintain) and what it tells of them. One that is slow or away
// holds up neither the others nor the capture.
//
// Lock order: maintain → ship → the database's capture → store.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/maybe_time.hpp"
#include "engine/backlog.hpp"
#include "engine/environment.hpp"
#include "engine/levels.hpp"
#include "engine/maintenance.hpp"
#include "engine/origin.hpp"
#include "engine/rest_mark.hpp"
#include "engine/settings.hpp"
#include "engine/trim.hpp"
#include "io/small_mutex.hpp"
#include "replica/database.hpp"

namespace replica::engine {

// An error as it was noted: the one with the highest number is the newest of a database.
struct NotedError {
  Error error;
  std::uint64_t number = 0;
};

// Safe from any thread.
class Destination {
 public:
  // `origin`, `options` and `environment` outlive it.
  Destination(DestinationConfig config, Origin& origin, const ReplicatorOptions& options,
              const Environment& environment);

  DestinationConfig config() const;
  std::string url() const { return own_url_ ? *own_url_ : replica_.backend()->url(); }
  std::chrono::milliseconds sync_interval() const noexcept { return settings_->sync_interval; }
  // Tells it from others in logs and events; empty when it is the only one.
  std::string label() const;
  Replica& replica() noexcept { return replica_; }

  // Uploads in TXID order what the replica lacks. The replicated position.
  Result<TxId> ship(const Call& call);
  // Compaction, snapshot and retention as far as they are due.
  Result<void> maintain(const Call& call);
  // The same while the database rests, which takes the replica only. False: it takes the database too.
  Result<bool> maintain_at_rest(const Call& call);
  // When maintain() has something to do next; nullopt = not before something is captured.
  std::optional<Timestamp> next_maintenance();
  // Writes a level-9 snapshot of the state right now.
  Result<TxId> snapshot(const Call& call);
  // Removes from the replica what retention does not keep, due or not.
  Result<void> enforce_retention(const Call& call);

  // What the replica holds is asked for unless it is known.
  Result<TxId> find_position(const Call& call);
  bool position_listed() const { return levels_.known(); }
  TxId replicated() const { return {replicated_.load()}; }  // durable on the replica
  TxId durable() const { return {durable_.load()}; }        // as Database::durable()
  // Where TXIDs must go on behind, by all that has been seen of it.
  TxId furthest() const { return std::max(replicated(), levels_.last()); }
  std::optional<LtxFileInfo> newest(Level level) const { return levels_.newest(level); }
  Holding holding() const;

  // Of a database that is let go of: what a mark is to say of it, and going on from there without a listing.
  // replicated() is believed then, durable() is not, until the store has shown it: before the next upload or
  // maintenance by a listing as at any start; while the database rests, ship() asks for the one file that was the
  // newest. The lanes are held.
  DestinationAtRest at_rest();
  bool changed_at_rest() const;  // since at_rest() or believe()
  void believe(const DestinationAtRest& left, TxId replicated);
  bool position_known() const { return position_known_; }  // the lane of shipping is held
  bool believed() const { return believed_; }
  Timestamp seen() const;  // when the store last showed that it has everything
  // As next_maintenance(), by the mark.
  std::optional<Timestamp> believed_maintenance() const {
    return believed_ ? std::optional<Timestamp>(believed_maintenance_) : std::nullopt;
  }

  // For the database's capture: what is captured counts as missing from `from` on, unless the position is known.
  void count_from(Timestamp from);
  void rebuild_backlog(const std::vector<LtxFileInfo>& files);
  void forget_durable() { durable_ = 0; }
  std::uint64_t lag_bytes() const;
  std::optional<Timestamp> behind_since() const;  // by the oldest file that it lacks
  ReplicaStatus status() const;
  std::optional<NotedError> last_error() const;
  // Shown until the next upload; of maintenance, until that succeeds, which may be in an idle database.
  void note_error(NotedError error, bool of_maintenance);
  void note_maintained();
  // Of an upload that failed; true when the store refuses since now.
  bool note_upload_failure(const Error& error);

  // Both lanes are held by the caller: see hold().
  void forget();
  void settle() {  // it is going to rest
    levels_.settle();
    replica_.backend()->rest();
  }
  struct Held {
    std::unique_lock<io::SmallMutex> maintain, ship;
    explicit operator bool() const { return maintain.owns_lock() && ship.owns_lock(); }
  };
  Held hold();      // waits for the lanes
  Held try_hold();  // void when one of them is at work
  std::unique_lock<io::SmallMutex> try_hold_ship() { return {ship_lock_, std::try_to_lock}; }

 private:
  Result<void> upload_pending(const Call& call);
  Result<void> find_believed(const Call& call);
  Result<void> confirm_position(const Call& call);
  Result<bool> is_still_there(const Call& call);
  void note_in_step();
  void note_found();
  void tell_not_as_believed() const;
  Result<bool> confirm_at_rest(const Call& call);
  void note_seen();
  Result<void> join_history(const Call& call);
  Result<void> begin_anew(const Call& call);
  Result<bool> is_on_replica(const LtxFileInfo& mine, const Call& call);
  Result<void> upload(const LtxFileInfo& file, const Call& call);
  Result<bool> upload_merged(std::span<const LtxFileInfo> pending, const Call& call);
  void note_uploaded(const LtxFileInfo& stored);
  Result<void> learn_page_size(const Call& call);
  Result<void> upload_as_snapshot(const LtxFileInfo& file, const Call& call);
  Result<void> upload_snapshot(const ScratchFile& scratch, const Call& call);
  Result<void> upload_snapshot(const LtxHeader& header, Source& body, const Call& call);
  Result<bool> upload_first_as_snapshot(const Call& call);  // false: it takes a snapshot of its own
  Result<TxId> write_snapshot(const Call& call);
  Result<void> fill_hole(const Call& call);
  std::optional<Timestamp> scheduled() const;
  Result<void> maintain_due(Timestamp now, const Call& call);
  bool lacks_snapshot() const;  // of all that is captured
  bool needs_database(Timestamp now) const;
  Result<void> compact_level(Level level, const Call& call);
  Result<std::vector<LtxFileInfo>> compaction_inputs(Level level, const Call& call);
  Result<std::vector<LtxFileInfo>> heal_level0(const std::optional<LtxFileInfo>& newest, const Call& call);
  Result<void> retain(Timestamp now, const Call& call);
  Result<void> retain_replica(Timestamp now, const Call& call);
  Result<void> tell_refusal(const Error& refusal, Timestamp now, const Call& call);
  Result<void> remove_from_replica(const std::vector<LtxFileInfo>& files, const Call& call);
  void note_position(bool known);
  void announce_synced();
  void publish(Event event) const;
  void log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) const;

  std::unique_ptr<const std::string> own_url_;  // where the backend does not say it
  std::shared_ptr<const DestinationSettings> settings_;
  Origin& origin_;
  const ReplicatorOptions& options_;
  const Environment& environment_;
  Replica replica_;
  Levels levels_;

  io::SmallMutex maintain_lock_, ship_lock_;
  MaintenanceSchedule schedule_;         // maintain_lock_
  std::uint32_t shipped_page_size_ = 0;  // ship_lock_
  bool position_known_ = false;          // ship_lock_: replicated_ is what the replica's listing said or better
  std::optional<TxId> announced_;        // ship_lock_: the last position told as `synced`, or found at first
  std::atomic<std::uint64_t> replicated_{0}, durable_{0};
  std::atomic<bool> met_{false};                   // replicated_ has been known
  std::atomic<bool> believed_{false};              // replicated_ is from a mark
  TxId believed_min_;                              // ship_lock_: DestinationAtRest::newest_min
  base::MaybeTimestamp believed_maintenance_;      // maintain_lock_, but for believe(), before others look
  mutable std::atomic<std::uint64_t> covered_{0};  // highest TXID of level 1, when it was last known

  mutable io::SmallMutex status_lock_;
  struct Figures {
    base::MaybeTimestamp last_sync_at;
    std::uint64_t uploads = 0, upload_bytes = 0;
    bool auth_failed = false;
    std::unique_ptr<Error> retention_error;
  };
  Figures status_;
  std::unique_ptr<NotedError> last_error_;  // status_lock_ from here on
  bool error_of_maintenance_ = false;
  Backlog backlog_;
  // What lies here from before this time may be on the replica: it counts once the replica's position is known.
  base::MaybeTimestamp count_from_;
  Timestamp seen_{};
  bool changed_at_rest_ = false;
};

}  // namespace replica::engine

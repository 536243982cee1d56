// From a replica back to a database file: plan which files make a state, apply them, verify, rename.
#pragma once

#include <functional>
#include <optional>

#include "replica/replica.hpp"

namespace replica {

// Nothing set = latest. Not both.
struct RestoreTarget {
  std::optional<TxId> txid{};         // exactly this
  std::optional<Timestamp> before{};  // files created strictly before this time
};

struct RestorePlan {
  std::vector<LtxFileInfo> files;  // oldest first, contiguous from TXID 1
  TxId min_txid() const { return files.front().range.min; }
  TxId max_txid() const { return files.back().range.max; }
};

// Pure: what the levels hold → the plan. `files` in any order. Rules: engine spec §6.2. not_found "no matching backup
// files available" when nothing fits; corrupt "cannot calc restore plan: non-contiguous ltx files: have up to A but
// next file starts at B" for a hole when the latest is asked for, or a time before which files lie behind a lost
// stretch.
Result<RestorePlan> plan_restore(std::vector<LtxFileInfo> files, const RestoreTarget& target);
// One listing a level, then the above.
Result<RestorePlan> plan_restore(const Replica& replica, const RestoreTarget& target, const Call& call);

enum class IntegrityCheck { none, quick, full };

struct RestoreProgress {
  std::uint64_t bytes_done = 0, bytes_total = 0;  // of LTX files
  std::size_t files_done = 0, files_total = 0;
};

struct RestoreOptions {
  std::string output;   // must not exist, or be an empty file, unless `force`
  bool force = false;   // replaces output and removes its sidecars
  int parallelism = 8;  // files fetched and decoded at once, at least 1
  IntegrityCheck integrity_check = IntegrityCheck::none;
  std::function<void(const RestoreProgress&)> on_progress{};  // called from worker threads, one at a time
};

struct RestoreOutcome {
  TxId txid;
  std::uint32_t page_size = 0, commit = 0;
};

// Refuses as engine spec §6.1 says, and also a stale -wal, -shm or -journal beside a missing database.
Result<void> check_restore_output(const RestoreOptions& options);
// Applies the plan to `output`.tmp, verifies every file and that every page is there, checks the integrity, fsyncs,
// renames. On failure nothing is left and an existing output is untouched; only when the very last step fails, the
// fsync of the directory after the rename over an existing output, is the new database in place already. busy when
// another restore writes the same output. no_space, before anything is written, when the file system is too small.
Result<RestoreOutcome> apply_restore(const Replica& replica, const RestorePlan& plan, const RestoreOptions& options,
                                     const Call& call);
// Checks the output, plans and applies. Plans again when a file vanished in between, because retention or compaction
// ran.
Result<RestoreOutcome> restore_database(const Replica& replica, const RestoreTarget& target,
                                        const RestoreOptions& options, const Call& call);

}  // namespace replica

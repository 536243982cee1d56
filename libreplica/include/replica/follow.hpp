// A read replica: a database that is restored once and then led on in place, while others read it.
//
// Readers use SQLite as it is, in this process or others; their busy timeout carries them over an application. They see
// the positions of the replica, each whole, also after a crash of the follower: new pages are written under SQLite's
// locks, behind a rollback journal. Readers must not write; who does is noticed, and the database is made anew.
// docs/follow.md tells the rest.
#pragma once

#include <functional>

#include "replica/restore.hpp"

namespace replica {

struct FollowOptions {
  std::string output;
  int parallelism = 8;  // of the first restore, and its integrity check
  IntegrityCheck integrity_check = IntegrityCheck::none;
  std::function<void(const RestoreProgress&)> on_progress{};
  // How long readers that do not end are waited for; new ones wait meanwhile. Then the change is left for later, with
  // twice the patience, up to sixteen times, so that readers who take turns do not keep it out for ever.
  std::chrono::milliseconds reader_patience{250};
  // How often all levels are listed while level 0 shows nothing new: what was merged and removed meanwhile, and a
  // replica that was started over, are found then.
  std::chrono::milliseconds deep_interval{30'000};
  // Compressed bytes of files that become one change, at least one file.
  std::uint64_t batch_bytes = 64U << 20U;
  // Null = SystemClock. Must outlive the follower.
  const Clock* clock = nullptr;
  // Waits that long, or until the Call is over. Empty = really wait.
  std::function<void(std::chrono::milliseconds, const Call&)> wait{};
};

// Why a database was made anew, in place, instead of led on.
enum class Reseed {
  none,
  gap,        // the files that continue from the position are gone
  rewritten,  // the replica does not have the position any more, or another file under its name
  changed,    // somebody else wrote to the database
};

struct FollowStep {
  TxId from, to;  // equal: nothing new
  Reseed reseed = Reseed::none;
  std::size_t files = 0;
  bool more = false;  // there was more than one change takes: call again
};

// One thread at a time. The process must not hold POSIX locks on the database by other means than SQLite: its end
// closes the file.
class Follower {
 public:
  // Restores `output` when it is missing; goes on from its -txid file when it is there, whoever followed before. The
  // replica must outlive the follower. precondition_failed "cannot resume follow mode: database exists but no -txid
  // file found; delete the database to re-restore: P"; busy when another follower has the database.
  static Result<Follower> open(const Replica& replica, FollowOptions options, const Call& call);
  Follower(Follower&&) noexcept;
  Follower& operator=(Follower&&) noexcept;
  ~Follower();

  TxId position() const noexcept;
  bool restored() const noexcept;  // by open(), rather than found

  // Applies what the replica has beyond position(), as one change. A poll that finds nothing is one listing. On any
  // error the database is at a whole position, and another call tries again; precondition_failed is the one that
  // trying again does not cure (another page size, another file under the name).
  Result<FollowStep> apply_new(const Call& call);

 private:
  friend struct FollowerAccess;
  struct State;
  explicit Follower(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

}  // namespace replica

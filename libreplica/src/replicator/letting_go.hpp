// Databases that are closed because replicas of theirs are not to go on: those get a last upload, within limits.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "replicator/scheduler.hpp"

namespace replica::replicator {

// One database. The calls of one object come from one thread.
class Departure {
 public:
  // Captures and uploads to the replicas named come at once from now on.
  Departure(Scheduler& scheduler, std::shared_ptr<Entry> entry, const std::vector<std::string>& replicas);

  const std::string& path() const { return entry_->database.config().path; }
  // True when there is nothing more to wait for. While it is not, the database goes on as ever.
  bool is_settled();
  // Closes it, also unsettled; what was committed in the last moment is uploaded to those that are not given up. busy
  // when another call is closing it.
  Result<std::vector<LeftBehind>> close(const Call& call);

 private:
  bool find_target();
  void capture_last(const Call& call);
  void upload_last(const Call& call);
  std::vector<LeftBehind> left_behind() const;

  Scheduler* scheduler_;
  std::shared_ptr<Entry> entry_;
  std::vector<std::size_t> leaving_;
  std::uint64_t capture_;           // the number of the run that sees all that was committed when it began
  std::optional<TxId> target_;      // what that captured
  bool settled_ = false;            // as is_settled() said
  std::optional<Error> failure_{};  // of the last capture
  OpenPlaces::Use use_{};           // from that to the end
};

// Replicator::let_go().
void let_go(std::vector<Departure> databases, std::chrono::milliseconds patience, const Replicator::Closed& closed,
            const Call& call);

}  // namespace replica::replicator

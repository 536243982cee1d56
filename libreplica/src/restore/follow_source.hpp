// What a replica has beyond a position, at the price of one listing when that is nothing.
#pragma once

#include "replica/follow.hpp"

namespace replica::restore {

// One thread at a time.
class FollowSource {
 public:
  FollowSource(const Replica& replica, const Clock& clock, std::chrono::milliseconds deep_interval)
      : replica_(&replica), clock_(&clock), deep_interval_(deep_interval) {}

  struct Find {
    std::vector<LtxFileInfo> files;  // empty: nothing new
    Reseed reseed = Reseed::none;    // not none: the files make the whole database
  };
  Result<Find> look(TxId position, const Call& call);
  Result<Find> whole(Reseed why, const Call& call);

  // All levels were listed just now; there is no need to do it again soon.
  void listed_all();
  // The file that led to the position.
  void applied(const LtxFileInfo& file, const LtxHeader& header) { last_ = Last{.file = file, .header = header}; }
  // A file that is gone or damaged: the next look does without it and goes through all levels.
  void failed(const LtxFileInfo& file, Error error);

 private:
  struct Last {
    LtxFileInfo file;
    LtxHeader header;
  };
  struct Damaged {
    LtxFileInfo file;
    Error error;
  };
  Result<std::vector<LtxFileInfo>> list(Level level, TxId from, const Call& call) const;
  Result<Find> look_everywhere(std::vector<LtxFileInfo> files, TxId position, const Call& call);
  Result<Find> nothing();
  Result<bool> is_rewritten(const std::vector<LtxFileInfo>& files, const Call& call);

  const Replica* replica_;
  const Clock* clock_;
  std::chrono::milliseconds deep_interval_;
  Clock::Steady next_deep_{};
  bool force_deep_ = true;
  bool position_seen_ = false;  // on level 0, by the last look
  int doubts_ = 0;              // deep looks in a row that found no way on from the position
  std::optional<Last> last_{};
  std::optional<Damaged> damaged_{};
};

}  // namespace replica::restore

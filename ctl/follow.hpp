// restore -follow: a follower, its pace and what it tells.
#pragma once

#include <string>

#include "replica/follow.hpp"
#include "replica/log.hpp"

namespace litestreamctl {

struct FollowRun {
  std::string database{};  // of the configuration, for the log; empty for a URL
  std::string output{};    // as typed, for the log
  std::chrono::milliseconds interval{1000};
};

// How long to leave the store alone after `failures` polls in a row that failed: twice as long each time, at most half
// a minute, and never shorter than the store asked for or the interval is. busy (readers) is not the store's fault.
std::chrono::milliseconds pause_after(const replica::Error& error, int failures, std::chrono::milliseconds interval);

// Until the Call is over, which is a success. Logs what it does and, at most once a minute each, the errors it goes on
// after; returns the one it cannot go on after: another page size, another file under the name.
replica::Result<void> follow(replica::Follower& follower, const replica::Replica& replica, const FollowRun& run,
                             replica::Logger& log, const replica::Call& call);

}  // namespace litestreamctl

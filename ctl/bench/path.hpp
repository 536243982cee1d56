// The whole path: a sample database, replicated and restored by the code that does it for users' databases.
#pragma once

#include "bench/measures.hpp"
#include "bench/repeat.hpp"
#include "config/config.hpp"

namespace litestreamctl::bench {

struct PathPlan {
  std::string directory;  // what is made there is removed again
  config::ReplicaSettings store;
  std::string prefix;              // everything is put below it, and stays there
  std::uint64_t size;              // bytes of the sample database
  std::chrono::milliseconds time;  // for the commits
};

// `corrupt` when what a restore gives is not byte for byte the database.
replica::Result<PathMeasures> measure_path(const PathPlan& plan, const Meter& meter);

}  // namespace litestreamctl::bench

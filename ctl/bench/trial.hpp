// One store tried out, below a prefix of its own.
#pragma once

#include "bench/expectation.hpp"
#include "bench/repeat.hpp"
#include "clearing.hpp"
#include "source.hpp"

namespace litestreamctl::bench {

struct TrialPlan {
  std::string directory;                        // of the measurement, whose disk this is
  std::uint64_t size;                           // bytes of the large object and of the sample database
  std::chrono::milliseconds time;               // for all that is repeated
  DiskMeasures disk;                            // which is so fast
  std::optional<std::uint64_t> database_bytes;  // of the user's database
};

struct Trial {
  std::string store, type;  // the location, without secrets
  std::string prefix;       // everything was put below it, and is gone again but for `cleared.left`
  std::optional<StoreMeasures> measured;
  std::optional<PathMeasures> path;
  std::optional<Content> content;  // what the replica holds, if anything
  Subject subject;
  std::optional<Expectation> expected;
  std::optional<replica::Error> error;  // why the rest was not measured
  Cleared cleared;
  std::vector<Warning> warnings;

  // A store that refuses to delete can be measured all the same.
  bool passed() const;
};

// Takes away what it has put, also after a failure and when the call of `meter` has ended.
Trial try_store(const config::ReplicaSettings& settings, const TrialPlan& plan, const Meter& meter);

}  // namespace litestreamctl::bench

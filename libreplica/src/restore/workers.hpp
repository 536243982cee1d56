// Fetches, verifies and writes the files of a plan on several threads, newest first.
#pragma once

#include "restore/page_writer.hpp"
#include "restore/progress.hpp"

namespace replica::restore {

struct Work {
  const Replica& replica;
  const std::vector<LtxFileInfo>& files;  // oldest first
  PageTarget& target;
  ProgressMeter& meter;
};

// Returns the database size each file leaves, oldest first. After the first error the others stop, and it is returned.
Result<std::vector<PageNo>> apply_files(const Work& work, int parallelism, const Call& call);

}  // namespace replica::restore

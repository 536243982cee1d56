// How fast the disk is that a database lies on.
#pragma once

#include "bench/measures.hpp"
#include "bench/repeat.hpp"

namespace litestreamctl::bench {

struct DiskPlan {
  std::string directory;           // that of the measurement; what is made there is removed again
  std::uint64_t size;              // bytes written and read in one go
  std::chrono::milliseconds time;  // for the small writes
};

replica::Result<DiskMeasures> measure_disk(const DiskPlan& plan, const Meter& meter);

}  // namespace litestreamctl::bench

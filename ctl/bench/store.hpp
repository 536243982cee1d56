// How fast a store is, asked as replication asks it.
#pragma once

#include "bench/measures.hpp"
#include "bench/repeat.hpp"
#include "replica/backend.hpp"

namespace litestreamctl::bench {

struct StorePlan {
  std::string prefix;              // everything is put below it, and stays there
  std::uint64_t size;              // bytes of the large object
  std::chrono::milliseconds time;  // for the small ones
};

// Errors begin with the operation that failed: "put: …". What comes back is compared with what was put.
replica::Result<StoreMeasures> measure_store(const std::shared_ptr<replica::Backend>& backend, const StorePlan& plan,
                                             const Meter& meter);

}  // namespace litestreamctl::bench

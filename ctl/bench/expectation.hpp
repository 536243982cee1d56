// From what was measured to what somebody's own database may expect: pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "bench/measures.hpp"

namespace litestreamctl::bench {

// What the replica of the database holds now, and a restore would fetch.
struct Content {
  std::size_t files = 0;
  std::uint64_t bytes = 0;           // of those files
  std::uint64_t database_bytes = 0;  // of the database they make
};

struct Subject {
  std::optional<std::uint64_t> database_bytes;  // none = not known
  std::optional<Content> content;
  std::chrono::milliseconds sync_interval{1000};
};

// What takes most of the time.
enum class Bound { disk, latency, bandwidth, machine };
const char* name(Bound bound);    // "bandwidth"
const char* phrase(Bound bound);  // "the bandwidth of the store"

struct Warning {
  std::string reason;  // stable: "slow_fsync"
  std::string message;
};

struct Expectation {
  std::uint64_t copied_database_bytes = 0;  // what first_copy_ms is for
  double first_copy_ms = 0;                 // extrapolated from the sample
  Bound first_copy_bound{};
  std::uint64_t restored_database_bytes = 0;
  double restore_ms = 0;      // extrapolated
  bool from_content = false;  // of what the replica holds, else of a replica that holds one snapshot
  Bound restore_bound{};
  double lag_median_ms = 0, lag_p99_ms = 0;  // of a commit after a quiet sync interval: measured
  Bound lag_bound{};
  double busy_lag_median_ms = 0, busy_lag_longest_ms = 0;  // while commits keep coming: from the sync interval
  double changes_per_second = 0;                           // bytes of changed pages that a replica keeps up with
  std::vector<Warning> warnings;
};

// Of a database whose size is not known, what a gigabyte takes.
Expectation expect(const Measures& measured, const Subject& subject);

// Warnings of the disk alone are among those of expect().
std::vector<Warning> disk_warnings(const DiskMeasures& disk);

}  // namespace litestreamctl::bench

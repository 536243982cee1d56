// What was found out, as JSON and as text: pure.
#pragma once

#include <boost/json/object.hpp>

#include "bench/trial.hpp"

namespace litestreamctl::bench {

struct Report {
  std::string directory;  // whose disk was measured
  std::uint64_t sample_bytes = 0;
  std::string database;  // empty = none was named
  std::optional<std::uint64_t> database_bytes;
  std::optional<DiskMeasures> disk;
  std::optional<replica::Error> error;  // why the disk was not measured
  std::vector<Trial> trials;

  bool passed() const;
};

// docs/performance.md has its members.
boost::json::object report_json(const Report& report);

std::string disk_text(const DiskMeasures& disk, const std::string& directory);
// What was measured of a store, what to expect, and the warnings.
std::string trial_text(const Trial& trial, const std::string& database);

}  // namespace litestreamctl::bench

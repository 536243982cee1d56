#include "replica_files.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <vector>

namespace tools {
namespace {

struct Range {
  std::uint64_t min = 0, max = 0;
};

bool parse(const std::string& name, Range& range) {
  unsigned long long min = 0, max = 0;
  int end = 0;
  if (name.size() != 37 || std::sscanf(name.c_str(), "%16llx-%16llx.ltx%n", &min, &max, &end) != 2 || end != 37)
    return false;
  range = {min, max};
  return true;
}

// A file extends every state c with min ≤ c + 1 and c < max.
std::set<std::uint64_t> reach(std::vector<Range> ranges) {
  std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) { return a.max < b.max; });
  std::set<std::uint64_t> states{0};
  for (const Range& range : ranges) {
    const auto from = states.lower_bound(range.min - 1);
    if (from != states.end() && *from < range.max) states.insert(range.max);
  }
  states.erase(0);
  return states;
}

}  // namespace

ReplicaFiles scan_replica(const std::string& directory) {
  ReplicaFiles result;
  std::vector<Range> ranges;
  for (int level = 0; level <= 9; ++level) {
    std::error_code error;
    std::filesystem::directory_iterator entries(directory + "/ltx/" + std::to_string(level), error);
    if (error) continue;
    for (const auto& entry : entries) {
      Range range;
      if (!parse(entry.path().filename(), range)) continue;
      ranges.push_back(range);
      result.last = std::max(result.last, range.max);
      (level == 9 ? result.snapshotted : result.compacted) |= level > 0;
    }
  }
  result.reachable = reach(std::move(ranges));
  return result;
}

}  // namespace tools

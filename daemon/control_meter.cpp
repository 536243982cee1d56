#include "control_meter.hpp"

#include <algorithm>

namespace litestreamd {

void ControlMeter::record(std::string_view method, double seconds, std::string_view reason) {
  const std::lock_guard lock(mutex_);
  auto at = stats_.find(method);
  if (at == stats_.end()) at = stats_.emplace(method, ControlStats{.method = std::string(method), .errors = {}}).first;
  ControlStats& stats = at->second;
  ++stats.count;
  stats.seconds += seconds;
  const auto* const bucket = std::lower_bound(kControlBuckets.begin(), kControlBuckets.end(), seconds);
  if (bucket != kControlBuckets.end()) ++stats.buckets[static_cast<std::size_t>(bucket - kControlBuckets.begin())];
  if (!reason.empty()) ++stats.errors[std::string(reason)];
}

std::vector<ControlStats> ControlMeter::stats() const {
  const std::lock_guard lock(mutex_);
  std::vector<ControlStats> out;
  out.reserve(stats_.size());
  for (const auto& [method, stats] : stats_) out.push_back(stats);
  return out;
}

}  // namespace litestreamd

// Counts the calls of the control API and the time they take, for /metrics.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace litestreamd {

inline constexpr std::array<double, 9> kControlBuckets{.0001, .0005, .001, .005, .01, .05, .1, 1, 10};  // seconds

struct ControlStats {
  std::string method;  // of the table; "unknown" for all others
  std::uint64_t count = 0;
  double seconds = 0;
  std::array<std::uint64_t, kControlBuckets.size()> buckets{};  // not cumulative; slower ones are in `count` only
  std::map<std::string, std::uint64_t> errors;                  // by data.reason
};

// Safe from any thread.
class ControlMeter {
 public:
  // `reason` is empty for a call that succeeded.
  void record(std::string_view method, double seconds, std::string_view reason);
  std::vector<ControlStats> stats() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, ControlStats, std::less<>> stats_;
};

}  // namespace litestreamd

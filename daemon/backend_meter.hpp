// Counts what is asked of the backends, for /metrics.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "replica/backend.hpp"

namespace litestreamd {

inline constexpr std::array<double, 9> kOperationBuckets{.01, .05, .1, .5, 1, 5, 10, 30, 60};  // seconds, as the peer's

struct OperationStats {
  std::string replica_type;  // "file"
  std::string operation;     // GET PUT DELETE LIST STAT
  std::uint64_t count = 0, bytes = 0;
  double seconds = 0;
  std::array<std::uint64_t, kOperationBuckets.size()> buckets{};  // not cumulative; slower ones are in `count` only
  std::map<std::string, std::uint64_t> errors;                    // by code
};

// Safe from any thread.
class BackendMeter {
 public:
  explicit BackendMeter(const replica::Clock& clock) : clock_(clock) {}

  // The same backend, counted. The meter must outlive it.
  std::shared_ptr<replica::Backend> watch(std::shared_ptr<replica::Backend> inner);
  std::vector<OperationStats> stats() const;

  const replica::Clock& clock() const noexcept { return clock_; }
  void record(std::string_view type, std::string_view operation, std::uint64_t bytes, double seconds,
              const replica::Error* error);

 private:
  const replica::Clock& clock_;
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, OperationStats> stats_;
};

}  // namespace litestreamd

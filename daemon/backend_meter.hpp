// Counts what is asked of the backends, for /metrics and `status`.
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

using RequestsByType = std::map<std::string, replica::RequestCounts>;

// Safe from any thread.
class BackendMeter {
 public:
  explicit BackendMeter(const replica::Clock& clock) : clock_(clock) {}

  // The same backend, counted, for the database of that path. The meter must outlive it.
  std::shared_ptr<replica::Backend> watch(std::shared_ptr<replica::Backend> inner, const std::string& database);
  std::vector<OperationStats> stats() const;

  // What was sent to stores since their backends were made: of each database by type of replica, and of all that there
  // ever were.
  struct Requests {
    std::map<std::string, RequestsByType> by_database;
    RequestsByType all;
  };
  Requests requests() const;
  RequestsByType requests_of(const std::string& database) const;
  std::size_t watched() const;  // backends remembered, some of them perhaps gone

  const replica::Clock& clock() const noexcept { return clock_; }
  void record(std::string_view type, std::string_view operation, std::uint64_t bytes, double seconds,
              const replica::Error* error);

 private:
  const replica::Clock& clock_;
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, OperationStats> stats_;
  struct Counted {
    std::string type;
    std::weak_ptr<replica::RequestCounter> counter;  // as long as the backend
  };
  void forget_ended();
  std::multimap<std::string, Counted> counters_;        // by path of the database
  std::size_t room_ = 64;                               // of counters_, before those that ended are looked for
  std::map<std::string, replica::RequestCounter> all_;  // by type; never removed
};

}  // namespace litestreamd

// Counts what is asked of the backends, for /metrics and `status`.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/build.hpp"
#include "replica/backend.hpp"
#include "replica/lasting_memory.hpp"

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
class BackendMeter final : public config::Metering {
 public:
  explicit BackendMeter(const replica::Clock& clock) : clock_(clock) {}

  // The meter must outlive the backends.
  void expect(std::string_view type) override;
  std::shared_ptr<replica::RequestCounter> counter(std::string_view type, const std::string& database) override;
  std::shared_ptr<replica::Backend> watch(std::shared_ptr<replica::Backend> inner,
                                          std::shared_ptr<replica::RequestCounter> counter) override;
  std::vector<OperationStats> stats() const;

  // What was sent to stores: of a database since it was registered, and of all that there ever were.
  RequestsByType requests_of(std::string_view database) const;
  RequestsByType requests() const;
  std::size_t watched() const;  // counters remembered, some of them perhaps gone

  const replica::Clock& clock() const noexcept { return clock_; }
  void record(std::string_view type, std::string_view operation, std::uint64_t bytes, double seconds,
              const replica::Error* error);

 private:
  const replica::Clock& clock_;
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, OperationStats> stats_;
  using ByType = std::map<std::string, replica::RequestCounter, std::less<>>;
  struct Counted {
    const ByType::value_type* type;
    std::weak_ptr<replica::RequestCounter> counter;  // as long as the database has that replica
  };
  void forget_ended();
  ByType::value_type& of_type(std::string_view type);
  // What is counted of a database begins when it is open, and lasts.
  replica::LastingMemory lasting_;
  // By hash of the path of the database, of 64 bits: two that share one would be counted as one.
  std::pmr::unordered_multimap<std::size_t, Counted> counters_{&lasting_};
  std::size_t room_ = 64;  // of counters_, before those that ended are looked for
  ByType all_;             // never removed
};

}  // namespace litestreamd

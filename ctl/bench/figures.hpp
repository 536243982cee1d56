// Many measurements of the same thing in a few numbers: pure.
#pragma once

#include <cstdint>
#include <vector>

namespace litestreamctl::bench {

struct Spread {
  std::size_t count = 0;
  double median_ms = 0, p99_ms = 0, longest_ms = 0;
  double per_second = 0;  // one after another
};

// A percentile is the least value that so many do not exceed, so it is one that was measured: of fewer than a hundred
// the p99 is the longest.
Spread spread_of(std::vector<double> ms);

struct Transfer {
  std::uint64_t bytes = 0;
  double ms = 0;
  double per_second() const noexcept { return ms > 0 ? static_cast<double>(bytes) * 1000 / ms : 0; }
};

}  // namespace litestreamctl::bench

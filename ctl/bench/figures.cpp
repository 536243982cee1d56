#include "bench/figures.hpp"

#include <algorithm>
#include <numeric>

namespace litestreamctl::bench {

namespace {

// `sorted` is not empty.
double percentile(const std::vector<double>& sorted, std::size_t percent) {
  const std::size_t rank = (sorted.size() * percent + 99) / 100;  // from 1
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

}  // namespace

Spread spread_of(std::vector<double> ms) {
  if (ms.empty()) return {};
  std::sort(ms.begin(), ms.end());
  const double sum = std::accumulate(ms.begin(), ms.end(), 0.0);
  return {.count = ms.size(),
          .median_ms = percentile(ms, 50),
          .p99_ms = percentile(ms, 99),
          .longest_ms = ms.back(),
          .per_second = sum > 0 ? static_cast<double>(ms.size()) * 1000 / sum : 0};
}

}  // namespace litestreamctl::bench

#include "engine/trim.hpp"

#include <algorithm>

namespace replica::engine {
namespace {

TxId limit_of(const Holding& holding) {
  const TxId before{holding.replicated.value > 0 ? holding.replicated.value - 1 : 0};
  return std::min(holding.covered, before);
}

bool has_hole(const std::vector<LtxFileInfo>& files, const Holding& holding) {
  return holding.met && !files.empty() && files.front().range.min > holding.replicated.next();
}

}  // namespace

TxId trim_limit(const std::vector<LtxFileInfo>& files, std::span<const Holding> holdings, std::uint64_t budget) {
  if (holdings.empty()) return {};
  if (holdings.size() == 1) return holdings.front().covered;
  TxId somebody;
  for (const Holding& one : holdings) somebody = std::max(somebody, limit_of(one));
  TxId everybody = somebody;
  for (const Holding& one : holdings) {
    if (!has_hole(files, one)) everybody = std::min(everybody, limit_of(one));
  }
  std::uint64_t kept = 0;
  for (const LtxFileInfo& file : files) {
    if (file.range.max > everybody && file.range.max <= somebody) kept += file.size;
  }
  return kept > budget ? somebody : everybody;
}

}  // namespace replica::engine

// What the replica holds, as we know it: read once by listing, then kept up to date by our own writes and removals, so
// that steady state needs no listing.
#pragma once

#include <memory_resource>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "io/small_mutex.hpp"
#include "replica/replica.hpp"

namespace replica::engine {

// Safe from any thread.
class Levels {
 public:
  // `lasting` is for the files, which are kept as long as the database.
  explicit Levels(std::pmr::memory_resource* lasting = std::pmr::get_default_resource()) : files_(lasting) {}

  // Lists every level unless that is known already.
  Result<void> load(const Replica& replica, const Call& call);
  void forget();  // after a failure, or when somebody else may have written
  void settle();  // nothing is going to be added for a while: no more room than the files take

  void added(const LtxFileInfo& file);
  void removed(const std::vector<LtxFileInfo>& files);

  std::vector<LtxFileInfo> files(Level level) const;  // ascending; empty while unknown
  std::optional<LtxFileInfo> newest(Level level) const;
  TxId last() const;  // highest max TXID of all levels
  bool known() const;

 private:
  using Files = std::pmr::vector<LtxFileInfo>;
  using Span = std::pair<Files::const_iterator, Files::const_iterator>;
  Span of(Level level) const;
  void add(const LtxFileInfo& file);
  void erase(const LtxFileInfo& file);
  mutable io::SmallMutex lock_;
  bool known_ = false;
  std::vector<std::pair<LtxFileInfo, bool>> meanwhile_;  // added (true) or removed since load() began
  Files files_;                                          // by level, then range
};

}  // namespace replica::engine

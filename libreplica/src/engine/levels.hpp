// What the replica holds, as we know it: read once by listing, then kept up to date by our own writes and removals, so
// that steady state needs no listing.
#pragma once

#include <memory>
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
  static constexpr std::size_t kBytesOfFile = 32;  // it keeps of each

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
  // An LtxFileInfo in less room.
  struct File {
    TxRange range;
    Timestamp created_at;
    std::uint64_t size : 56, level : 8;
    explicit File(const LtxFileInfo& info)
        : range(info.range),
          created_at(info.created_at),
          size(info.size & ((std::uint64_t{1} << 56U) - 1)),
          level(static_cast<std::uint8_t>(info.level)) {}
    LtxFileInfo info() const {
      return {.level = static_cast<Level>(level), .range = range, .size = size, .created_at = created_at};
    }
  };
  static_assert(sizeof(File) == kBytesOfFile);
  using Files = std::pmr::vector<File>;
  using Span = std::pair<Files::const_iterator, Files::const_iterator>;
  using Change = std::pair<LtxFileInfo, bool>;
  static bool in_order(const File& a, const File& b);
  Span of(Level level) const;
  void add(const LtxFileInfo& file);
  void erase(const LtxFileInfo& file);
  void note_change(const LtxFileInfo& file, bool there);
  mutable io::SmallMutex lock_;
  bool known_ = false;
  std::unique_ptr<std::vector<Change>> meanwhile_;  // added (true) or removed since load() began, if anything was
  Files files_;                                     // by level, then range
};

}  // namespace replica::engine

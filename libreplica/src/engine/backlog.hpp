// The level-0 files that the replica lacks, as far as their age and size go. One thread at a time.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "replica/ltx.hpp"

namespace replica::engine {

class Backlog {
 public:
  // Of `files` (ascending) those behind `replicated` that were made at `since` or later.
  void rebuild(const std::vector<LtxFileInfo>& files, TxId replicated, Timestamp since) {
    waiting_.clear();
    bytes_ = 0;
    for (const LtxFileInfo& file : files) {
      if (file.range.max <= replicated || file.created_at < since) continue;
      waiting_.push_back({file.range.max, file.created_at, file.size});
      bytes_ += file.size;
    }
  }
  void shipped(TxId replicated) {
    const auto first =
        std::find_if(waiting_.begin(), waiting_.end(), [&](const File& f) { return f.txid > replicated; });
    for (auto file = waiting_.begin(); file != first; ++file) bytes_ -= file->size;
    waiting_.erase(waiting_.begin(), first);
    if (waiting_.empty()) std::vector<File>().swap(waiting_);  // an idle database keeps no room for them
  }

  std::uint64_t bytes() const noexcept { return bytes_; }
  std::optional<Timestamp> since() const {
    return waiting_.empty() ? std::nullopt : std::optional(waiting_.front().created_at);
  }

 private:
  struct File {
    TxId txid;
    Timestamp created_at;
    std::uint64_t size;
  };
  std::vector<File> waiting_;
  std::uint64_t bytes_ = 0;
};

}  // namespace replica::engine

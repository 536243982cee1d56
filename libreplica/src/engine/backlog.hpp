// The level-0 files that the replica lacks, as far as their age and size go. One thread at a time.
#pragma once

#include <deque>
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
    for (; !waiting_.empty() && waiting_.front().txid <= replicated; waiting_.pop_front())
      bytes_ -= waiting_.front().size;
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
  std::deque<File> waiting_;
  std::uint64_t bytes_ = 0;
};

}  // namespace replica::engine

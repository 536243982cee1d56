// The level-0 files that the replica lacks, as far as their age and size go. One thread at a time.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "replica/ltx.hpp"

namespace replica::engine {

class Backlog {
 public:
  // Of `files` (ascending) those behind `replicated` that were made at `since` or later.
  void rebuild(const std::vector<LtxFileInfo>& files, TxId replicated, Timestamp since) {
    Waiting waiting;
    for (const LtxFileInfo& file : files) {
      if (file.range.max <= replicated || file.created_at < since) continue;
      waiting.files.push_back({file.range.max, file.created_at, file.size});
      waiting.bytes += file.size;
    }
    waiting_ = waiting.files.empty() ? nullptr : std::make_unique<Waiting>(std::move(waiting));
  }
  void shipped(TxId replicated) {
    if (!waiting_) return;
    auto& [files, bytes] = *waiting_;
    const auto first = std::find_if(files.begin(), files.end(), [&](const File& f) { return f.txid > replicated; });
    for (auto file = files.begin(); file != first; ++file) bytes -= file->size;
    files.erase(files.begin(), first);
    if (files.empty()) waiting_.reset();
  }

  std::uint64_t bytes() const noexcept { return waiting_ ? waiting_->bytes : 0; }
  std::optional<Timestamp> since() const {
    return waiting_ ? std::optional(waiting_->files.front().created_at) : std::nullopt;
  }

 private:
  struct File {
    TxId txid;
    Timestamp created_at;
    std::uint64_t size;
  };
  struct Waiting {
    std::vector<File> files;  // never none
    std::uint64_t bytes = 0;
  };
  std::unique_ptr<Waiting> waiting_;  // an idle database has none
};

}  // namespace replica::engine

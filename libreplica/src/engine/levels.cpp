#include "engine/levels.hpp"

#include <algorithm>
#include <utility>

namespace replica::engine {
namespace {

bool in_order(const LtxFileInfo& a, const LtxFileInfo& b) {
  return std::pair(a.level, a.range) < std::pair(b.level, b.range);
}

}  // namespace

Result<void> Levels::load(const Replica& replica, const Call& call) {
  {
    const std::lock_guard guard(lock_);
    if (known_) return {};
    meanwhile_.clear();
  }
  std::vector<LtxFileInfo> listed;
  for (Level level = 0; level <= kSnapshotLevel; ++level) {
    auto files = replica.list(level, TxId{}, call);
    if (!files) return pass(files, "list level " + std::to_string(level));
    listed.insert(listed.end(), files->begin(), files->end());
  }
  const std::lock_guard guard(lock_);
  files_.assign(listed.begin(), listed.end());
  std::sort(files_.begin(), files_.end(), in_order);
  known_ = true;
  // Whether a listing saw these depends on when it was made.
  for (const auto& [file, there] : std::exchange(meanwhile_, {})) {
    if (there) {
      add(file);
    } else {
      erase(file);
    }
  }
  return {};
}

void Levels::forget() {
  const std::lock_guard guard(lock_);
  known_ = false;
  files_.clear();
  files_.shrink_to_fit();
}

void Levels::settle() {
  const std::lock_guard guard(lock_);
  files_.shrink_to_fit();
  meanwhile_.shrink_to_fit();
}

Levels::Span Levels::of(Level level) const {
  struct Before {
    bool operator()(const LtxFileInfo& file, Level wanted) const { return file.level < wanted; }
    bool operator()(Level wanted, const LtxFileInfo& file) const { return wanted < file.level; }
  };
  return std::equal_range(files_.begin(), files_.end(), level, Before{});
}

void Levels::added(const LtxFileInfo& file) {
  const std::lock_guard guard(lock_);
  if (known_) {
    add(file);
  } else {
    meanwhile_.emplace_back(file, true);
  }
}

void Levels::add(const LtxFileInfo& file) {
  const auto at = std::lower_bound(files_.begin(), files_.end(), file, in_order);
  if (at != files_.end() && at->level == file.level && at->range == file.range) {
    *at = file;
  } else {
    files_.insert(at, file);
  }
}

void Levels::removed(const std::vector<LtxFileInfo>& files) {
  const std::lock_guard guard(lock_);
  for (const LtxFileInfo& file : files) {
    if (known_) {
      erase(file);
    } else {
      meanwhile_.emplace_back(file, false);
    }
  }
}

void Levels::erase(const LtxFileInfo& file) {
  std::erase_if(files_,
                [&](const LtxFileInfo& known) { return known.level == file.level && known.range == file.range; });
}

std::vector<LtxFileInfo> Levels::files(Level level) const {
  const std::lock_guard guard(lock_);
  const auto [first, end] = of(level);
  return {first, end};
}

std::optional<LtxFileInfo> Levels::newest(Level level) const {
  const std::lock_guard guard(lock_);
  const auto [first, end] = of(level);
  return first == end ? std::nullopt : std::optional(*std::prev(end));
}

TxId Levels::last() const {
  const std::lock_guard guard(lock_);
  TxId last;
  for (const LtxFileInfo& file : files_) last = std::max(last, file.range.max);
  return last;
}

bool Levels::known() const {
  const std::lock_guard guard(lock_);
  return known_;
}

}  // namespace replica::engine

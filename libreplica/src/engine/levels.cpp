#include "engine/levels.hpp"

#include <algorithm>
#include <utility>

namespace replica::engine {
namespace {

bool by_range(const LtxFileInfo& a, const LtxFileInfo& b) { return a.range < b.range; }

}  // namespace

Result<void> Levels::load(const Replica& replica, const Call& call) {
  {
    const std::lock_guard guard(lock_);
    if (known_) return {};
    meanwhile_.clear();
  }
  std::array<std::vector<LtxFileInfo>, kSnapshotLevel + 1> listed;
  for (Level level = 0; level <= kSnapshotLevel; ++level) {
    auto files = replica.list(level, TxId{}, call);
    if (!files) return pass(files, "list level " + std::to_string(level));
    listed[static_cast<std::size_t>(level)] = std::move(*files);
  }
  const std::lock_guard guard(lock_);
  levels_ = std::move(listed);
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
  for (auto& level : levels_) level.clear();
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
  auto& level = levels_[static_cast<std::size_t>(file.level)];
  const auto at = std::lower_bound(level.begin(), level.end(), file, by_range);
  if (at != level.end() && at->range == file.range) {
    *at = file;
  } else {
    level.insert(at, file);
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
  std::erase_if(levels_[static_cast<std::size_t>(file.level)],
                [&](const LtxFileInfo& known) { return known.range == file.range; });
}

std::vector<LtxFileInfo> Levels::files(Level level) const {
  const std::lock_guard guard(lock_);
  return levels_[static_cast<std::size_t>(level)];
}

std::optional<LtxFileInfo> Levels::newest(Level level) const {
  const std::lock_guard guard(lock_);
  const auto& files = levels_[static_cast<std::size_t>(level)];
  return files.empty() ? std::nullopt : std::optional(files.back());
}

TxId Levels::last() const {
  const std::lock_guard guard(lock_);
  TxId last;
  for (const auto& level : levels_) {
    for (const LtxFileInfo& file : level) last = std::max(last, file.range.max);
  }
  return last;
}

bool Levels::known() const {
  const std::lock_guard guard(lock_);
  return known_;
}

}  // namespace replica::engine

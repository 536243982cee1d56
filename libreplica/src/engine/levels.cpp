#include "engine/levels.hpp"

#include <algorithm>
#include <utility>

namespace replica::engine {

bool Levels::in_order(const File& a, const File& b) {
  return a.level != b.level ? a.level < b.level : a.range < b.range;
}

Result<void> Levels::load(const Replica& replica, const Call& call) {
  {
    const std::lock_guard guard(lock_);
    if (known_) return {};
    meanwhile_.reset();
  }
  std::vector<LtxFileInfo> listed;
  for (Level level = 0; level <= kSnapshotLevel; ++level) {
    auto files = replica.list(level, TxId{}, call);
    if (!files) return pass(files, "list level " + std::to_string(level));
    listed.insert(listed.end(), files->begin(), files->end());
  }
  const std::lock_guard guard(lock_);
  files_.clear();
  files_.reserve(listed.size());
  for (const LtxFileInfo& file : listed) files_.emplace_back(file);
  std::sort(files_.begin(), files_.end(), in_order);
  known_ = true;
  // Whether a listing saw these depends on when it was made.
  const auto meanwhile = std::move(meanwhile_);
  if (!meanwhile) return {};
  for (const auto& [file, there] : *meanwhile) {
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
}

Levels::Span Levels::of(Level level) const {
  struct Before {
    bool operator()(const File& file, Level wanted) const { return file.level < wanted; }
    bool operator()(Level wanted, const File& file) const { return wanted < file.level; }
  };
  return std::equal_range(files_.begin(), files_.end(), level, Before{});
}

void Levels::added(const LtxFileInfo& file) {
  const std::lock_guard guard(lock_);
  if (known_) {
    add(file);
  } else {
    note_change(file, true);
  }
}

void Levels::note_change(const LtxFileInfo& file, bool there) {
  if (!meanwhile_) meanwhile_ = std::make_unique<std::vector<Change>>();
  meanwhile_->emplace_back(file, there);
}

void Levels::add(const LtxFileInfo& info) {
  const File file(info);
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
      note_change(file, false);
    }
  }
}

void Levels::erase(const LtxFileInfo& file) {
  std::erase_if(files_, [&](const File& known) { return known.level == file.level && known.range == file.range; });
}

std::vector<LtxFileInfo> Levels::files(Level level) const {
  const std::lock_guard guard(lock_);
  const auto [first, end] = of(level);
  std::vector<LtxFileInfo> out;
  out.reserve(static_cast<std::size_t>(end - first));
  for (auto file = first; file != end; ++file) out.push_back(file->info());
  return out;
}

std::optional<LtxFileInfo> Levels::newest(Level level) const {
  const std::lock_guard guard(lock_);
  const auto [first, end] = of(level);
  return first == end ? std::nullopt : std::optional(std::prev(end)->info());
}

TxId Levels::last() const {
  const std::lock_guard guard(lock_);
  TxId last;
  for (const File& file : files_) last = std::max(last, file.range.max);
  return last;
}

bool Levels::known() const {
  const std::lock_guard guard(lock_);
  return known_;
}

}  // namespace replica::engine

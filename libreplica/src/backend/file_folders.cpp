#include <algorithm>
#include <functional>
#include <random>

#include "backend/file_layout.hpp"
#include "base/text.hpp"
#include "io/directory.hpp"

namespace replica::backend {
namespace {

constexpr std::string_view kUnfinishedStart = ".put-";
constexpr std::string_view kUnfinishedEnd = ".tmp";
constexpr std::chrono::hours kStale{24};

// By the time of change, not of modification: that is set to the data's before the rename. What cannot be removed does
// not matter to the put that follows, so failures end the sweep and no more.
void remove_stale(const std::string& folder, Timestamp now, io::Gate* gate) {
  auto directory = io::Directory::open(folder, gate);
  if (!directory || !*directory) return;
  auto entries = (*directory)->entries();
  if (!entries) return;
  for (const auto& entry : *entries) {
    if (!is_unfinished(entry.name)) continue;
    auto info = (*directory)->info(entry.name);
    if (!info) return;
    if (!*info || (*info)->changed_at > now - kStale) continue;
    if (auto removed = io::remove_file(folder + "/" + entry.name, gate); !removed) return;
  }
}

}  // namespace

bool is_unfinished(std::string_view name) {
  return name.starts_with(kUnfinishedStart) && name.ends_with(kUnfinishedEnd);
}

std::string unfinished_name(const std::string& folder) {
  std::random_device random;
  const auto draw = [&random] { return base::hex(random(), 8); };
  return base::concat(folder, "/", kUnfinishedStart, draw(), draw(), draw(), kUnfinishedEnd);
}

bool Folders::is_settled(const std::string& folder) {
  const std::scoped_lock lock(mutex_);
  return std::binary_search(settled_.begin(), settled_.end(), std::hash<std::string>{}(folder));
}

void Folders::forget() {
  const std::scoped_lock lock(mutex_);
  settled_.clear();
}

Result<void> Folders::settle(const std::string& folder, const io::FileInfo* like) {
  if (is_settled(folder)) return {};
  const bool below_root = folder.size() > root_.size();
  const std::string parent = io::parent_of(folder);
  if (below_root) {
    if (auto settled = settle(parent, like); !settled) return settled;
  }
  auto made = io::make_directories(folder, gate_, like);
  if (!made) return pass(made);
  if (!*made) {
    // Whoever made it may have ended before that was durable.
    if (below_root) {
      if (auto synced = io::sync_directory(parent, gate_); !synced) return synced;
    }
    remove_stale(folder, clock_.now(), gate_);
  }
  const std::scoped_lock lock(mutex_);
  const std::size_t hash = std::hash<std::string>{}(folder);
  const auto at = std::lower_bound(settled_.begin(), settled_.end(), hash);
  if (at == settled_.end() || *at != hash) settled_.insert(at, hash);
  return {};
}

}  // namespace replica::backend

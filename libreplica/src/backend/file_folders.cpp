#include <algorithm>
#include <functional>
#include <random>

#include "backend/file_layout.hpp"
#include "base/text.hpp"
#include "io/directory.hpp"

namespace replica {

std::shared_ptr<SettledFolders> make_settled_folders() { return std::make_shared<SettledFolders>(); }

bool SettledFolders::contains(const std::string& folder) const {
  const std::lock_guard guard(lock_);
  return hashes_.contains(std::hash<std::string>{}(folder));
}

void SettledFolders::add(const std::string& folder) {
  const std::lock_guard guard(lock_);
  hashes_.insert(std::hash<std::string>{}(folder));
}

void SettledFolders::remove(const std::string& folder) {
  const std::lock_guard guard(lock_);
  hashes_.erase(std::hash<std::string>{}(folder));
}

void SettledFolders::clear() {
  const std::lock_guard guard(lock_);
  hashes_.clear();
}

}  // namespace replica

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

void Folders::forget(const std::string& folder) {
  for (std::string one = folder; one.size() >= root_.size(); one = io::parent_of(one)) {
    settled_.remove(one);
    if (one.size() == root_.size()) break;
  }
}

Result<Folders::Unsettled> Folders::make(const std::string& folder, const io::FileInfo* like) {
  Unsettled folders;  // from there up to the first that is known, or the root
  for (std::string at = folder; !settled_.contains(at); at = io::parent_of(at)) {
    folders.push_back(at);
    if (at.size() <= root_.size()) break;
  }
  if (folders.empty()) return folders;
  std::reverse(folders.begin(), folders.end());
  if (auto above = io::make_directories(io::parent_of(folders.front()), gate_, like); !above) return pass(above);
  for (const std::string& one : folders) {
    auto made = io::make_directory(one, gate_, like);
    if (!made) return pass(made);
    if (!*made) remove_stale(one, clock_.now(), gate_);
    if (*made && one.size() <= root_.size()) made_root_ = true;
  }
  return folders;
}

Result<void> Folders::settle(const Unsettled& folders) {
  for (const std::string& one : folders) {
    // A root that was there is not ours.
    if (one.size() <= root_.size() && !made_root_) continue;
    if (auto synced = io::sync_directory(io::parent_of(one), gate_); !synced) return synced;
  }
  for (const std::string& one : folders) settled_.add(one);
  return {};
}

}  // namespace replica::backend

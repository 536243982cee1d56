#include "backend/sftp/folders.hpp"

#include <algorithm>

#include "backend/file_layout.hpp"
#include "base/text.hpp"
#include "io/file.hpp"

namespace replica::backend::sftp {
namespace {

constexpr std::chrono::hours kStale{24};

// The time of modification is set to the data's just before the end of a put, that of access to the put's own.
bool is_stale(const Attributes& attributes, Timestamp now) {
  const auto touched = std::max(attributes.accessed.value_or(0), attributes.modified.value_or(0));
  return touched != 0 && Timestamp(std::chrono::seconds(touched)) <= now - kStale;
}

// What cannot be removed does not matter to the put that follows, so failures end the sweep and no more.
void remove_stale(Client& client, const std::string& folder, const Call& call) {
  const Timestamp now = SystemClock().now();
  auto entries = client.read_directory(folder, call);
  if (!entries) return;
  for (const Entry& entry : *entries) {
    if (!is_unfinished(entry.name) || !is_stale(entry.attributes, now)) continue;
    if (auto removed = client.remove(base::concat(folder, "/", entry.name), call); !removed) return;
  }
}

}  // namespace

bool Folders::is_settled(const std::string& folder) {
  const std::scoped_lock lock(mutex_);
  return settled_.contains(folder);
}

void Folders::forget() {
  const std::scoped_lock lock(mutex_);
  settled_.clear();
}

Result<void> Folders::make(Client& client, const std::string& folder, const Call& call) {
  auto there = client.stat(folder, call);
  if (there && there->is_directory()) return {};
  if (there) {
    return fail(Errc::invalid_argument, base::concat("sftp: ", folder, " is not a directory"),
                "an object cannot have the name of another object's folder");
  }
  if (there.error().code != Errc::not_found) return pass(there);
  auto made = client.make_directory(folder, call);
  if (!made && made.error().code == Errc::not_found && io::parent_of(folder) != folder) {
    if (auto above = make(client, io::parent_of(folder), call); !above) return above;
    made = client.make_directory(folder, call);
  }
  if (made) return client.sync_directory(io::parent_of(folder), call);
  // Somebody else may have been faster: servers only say that it failed.
  auto now_there = client.stat(folder, call);
  return now_there && now_there->is_directory() ? Result<void>() : made;
}

Result<void> Folders::remove(Client& client, const std::string& folder, const Call& call) {
  forget();
  auto entries = client.read_directory(folder, call);
  if (!entries && entries.error().code == Errc::not_found) return {};
  if (!entries) return pass(entries);
  bool is_empty = true;
  for (const Entry& entry : *entries) {
    if (entry.name == "." || entry.name == "..") continue;
    is_empty = is_empty && entry.attributes.is_directory();
    if (!entry.attributes.is_directory()) continue;
    if (auto below = remove(client, base::concat(folder, "/", entry.name), call); !below) return below;
  }
  if (!is_empty) return {};
  auto removed = client.remove_directory(folder, call);
  if (removed || client.is_broken() || !call.check("remove folders")) return removed;
  // Servers only say that it failed: it may hold what one below it still holds.
  auto there = client.read_directory(folder, call);
  const bool holds = there && std::any_of(there->begin(), there->end(),
                                          [](const Entry& entry) { return entry.name != "." && entry.name != ".."; });
  return holds ? Result<void>() : removed;
}

Result<void> Folders::settle(Client& client, const std::string& folder, const Call& call) {
  if (is_settled(folder)) return {};
  const std::string parent = io::parent_of(folder);
  const bool below_root = folder.size() > root_.size();
  if (below_root) {
    if (auto settled = settle(client, parent, call); !settled) return settled;
  }
  if (auto made = make(client, folder, call); !made) return made;
  if (below_root) {
    // Also of one that exists: another process may have made it a moment ago.
    if (auto synced = client.sync_directory(parent, call); !synced) return synced;
  }
  remove_stale(client, folder, call);
  if (auto going = call.check("settle"); !going) return going;
  const std::scoped_lock lock(mutex_);
  settled_.insert(folder);
  return {};
}

}  // namespace replica::backend::sftp

#include "backend/webdav/folders.hpp"

#include "backend/file_layout.hpp"
#include "base/text.hpp"

namespace replica::webdav {
namespace {

constexpr std::chrono::hours kStale{24};

}  // namespace

bool Folders::is_settled(const std::string& folder) {
  const std::scoped_lock lock(mutex_);
  return settled_.contains(folder);
}

void Folders::forget() {
  const std::scoped_lock lock(mutex_);
  settled_.clear();
}

// 405 says that it is there already, 409 that what it would lie in is not; for other refusals it may be that somebody
// else was faster.
Result<void> Folders::make(const std::string& folder, std::string_view what, const Call& call) {
  for (bool again = true;; again = false) {
    auto answer = server_.send({.method = "MKCOL", .key = folder}, what, call);
    if (!answer) return pass(answer);
    if (answer->ok() || answer->status == 405) return {};
    const std::string above = parent_of(folder);
    const bool above_missing = answer->status == 409 || answer->status == 404;
    if (above_missing && again && !above.empty()) {  // the folder of the address is not ours to make
      if (auto made = make(above, what, call); !made) return made;
      continue;
    }
    auto there = server_.find(folder, false, what, call);
    if (there && !there->empty() && there->front().is_folder) return {};
    return Failure(refused(*answer, what));
  }
}

// What cannot be removed does not matter to the put that follows.
void Folders::remove_stale(const std::string& folder, const std::vector<Resource>& found, const Call& call) {
  const Timestamp now = SystemClock().now();
  for (const Resource& one : found) {
    const std::string name = one.path.substr(one.path.rfind('/') + 1);
    if (one.is_folder || !backend::is_unfinished(name) || one.modified_at > now - kStale) continue;
    if (!server_.send({.method = "DELETE", .key = folder + name}, "remove " + name, call)) return;
  }
}

Result<void> Folders::settle(const std::string& folder, std::string_view what, const Call& call) {
  if (is_settled(folder)) return {};
  auto found = server_.find(folder, true, what, call);
  if (!found) return pass(found);
  if (found->empty()) {
    if (auto made = make(folder, what, call); !made) return made;
  } else if (!found->front().is_folder) {
    return fail(Errc::invalid_argument, base::concat(what, ": ", folder, " is not a folder"),
                "an object cannot have the name of another object's folder");
  }
  remove_stale(folder, *found, call);
  const std::scoped_lock lock(mutex_);
  settled_.insert(folder);
  return {};
}

}  // namespace replica::webdav

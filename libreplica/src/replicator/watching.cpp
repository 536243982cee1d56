// From directory events to captures.
#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "replicator/scheduler.hpp"

namespace replica::replicator {
namespace {

constexpr std::size_t kPollsPerSecond = 1000;  // two calls of stat each: a hundredth of a processor or two
constexpr std::string_view kWal = "-wal";

}  // namespace

bool Scheduler::PathOrder::operator()(std::string_view a, std::string_view b) const {
  const auto skip = [](std::string_view path, std::size_t at) {
    while (at > 0 && at < path.size() && path[at] == '/' && path[at - 1] == '/') ++at;
    return at;
  };
  std::size_t i = 0, j = 0;
  for (;; ++i, ++j) {
    i = skip(a, i);
    j = skip(b, j);
    if (j >= b.size()) return false;
    if (i >= a.size()) return true;
    if (a[i] != b[j]) return a[i] < b[j];
  }
}

void Scheduler::watch_directory(const std::shared_ptr<Entry>& entry) {
  if (!watch_) return;
  {
    const std::lock_guard guard(entry->lock);
    if (entry->watched) return;
  }
  const std::string& path = entry->database.config().path;
  const std::lock_guard guard(watched_lock_);
  // Without a watch (no directory yet, or a limit reached) the poll finds the changes.
  if (auto r = watch_->add(io::parent_of(path)); !r) return set_polled(*entry, r.error().code == Errc::no_space);
  set_polled(*entry, false);
  watched_[path] = entry;
  const std::lock_guard entry_guard(entry->lock);
  entry->watched = true;
}

void Scheduler::set_polled(Entry& entry, bool polled) {
  {
    const std::lock_guard guard(entry.lock);
    if (std::exchange(entry.polled, polled) == polled) return;
  }
  if (!polled) {
    --polled_;
  } else if (polled_++ == 0) {
    environment_.logger->log(
        LogLevel::warn, "too many directories to watch, polling the others",
        {{"path", entry.database.config().path}, {"hint", "raise the sysctl fs.inotify.max_user_watches"}});
  }
}

std::chrono::milliseconds Scheduler::polling_pause() const {
  return std::chrono::milliseconds(polled_ * 1000 / kPollsPerSecond);
}

void Scheduler::mute(Entry& entry) {
  {
    const std::lock_guard guard(entry.lock);
    if (!entry.watched || std::exchange(entry.muted, true)) return;
  }
  watch_->remove(io::parent_of(entry.database.config().path));
}

void Scheduler::unmute(Entry& entry) {
  auto watched = watch_->add(io::parent_of(entry.database.config().path));
  {
    const std::lock_guard guard(entry.lock);
    entry.muted = false;
    entry.watched = watched.has_value();
  }
  if (watched) return;
  forget_watched(entry);  // a limit was reached, or the directory is gone: the poll finds the changes
  set_polled(entry, watched.error().code == Errc::no_space);
}

void Scheduler::forget_watched(const Entry& entry) {
  const std::lock_guard guard(watched_lock_);
  watched_.erase(entry.database.config().path);
}

void Scheduler::watch_events() {
  while (auto events = watch_->wait()) {
    std::set<std::pair<std::string_view, std::string_view>> seen;
    for (const io::DirectoryEvent& event : *events) {
      if (loses_event_ && loses_event_()) continue;
      if (seen.emplace(event.directory, event.name).second) wake(event.directory, event.name);
    }
  }
}

void Scheduler::wake(const std::string& directory, const std::string& name) {
  std::vector<std::shared_ptr<Entry>> woken;
  {
    const std::lock_guard guard(watched_lock_);
    const auto take = [&](const std::weak_ptr<Entry>& weak) {
      if (auto entry = weak.lock()) woken.push_back(std::move(entry));
    };
    if (directory.empty()) {  // may be of any: some were lost
      for (const auto& [path, weak] : watched_) take(weak);
    } else {
      const std::string path = base::concat(directory == "/" ? "" : directory, "/", name);
      const std::string_view database = std::string_view(path).substr(0, path.size() - kWal.size());
      if (const auto found = watched_.find(path); found != watched_.end()) take(found->second);
      if (path.ends_with(kWal))
        if (const auto found = watched_.find(database); found != watched_.end()) take(found->second);
    }
  }
  for (const auto& entry : woken) {
    {
      const std::lock_guard guard(entry->lock);
      // What SQLite makes and we hear of while we attach is our own, as a rule; a commit shows when that is done.
      entry->glances = entry->capture.running && !entry->captured ? 1 : kGlances;
      entry->attention.heard(now());
    }
    request(entry, Lane::capture, next_capture(*entry));
  }
}

Clock::Steady Scheduler::next_capture(Entry& entry) const {
  const std::lock_guard guard(entry.lock);
  const Steady earliest = now();
  return entry.last_change ? std::max(earliest, *entry.last_change + spacing(entry.database.config())) : earliest;
}

}  // namespace replica::replicator

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

void Scheduler::watch_directory(const std::shared_ptr<Entry>& entry) {
  if (!watch_) return;
  {
    const std::lock_guard guard(entry->lock);
    if (entry->watched) return;
  }
  // Without a watch (no directory yet, or a limit reached) the poll finds the changes.
  if (auto r = watch_->add(io::parent_of(entry->database.config().path)); !r)
    return set_polled(*entry, r.error().code == Errc::no_space);
  set_polled(*entry, false);
  const std::lock_guard guard(entry->lock);
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
  // A limit was reached, or the directory is gone: the poll finds the changes.
  if (!watched) set_polled(entry, watched.error().code == Errc::no_space);
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
  if (directory.empty()) {  // may be of any: some were lost
    woken = known_.all();
  } else {
    const std::string path = base::concat(directory == "/" ? "" : directory, "/", name);
    const std::string_view database = std::string_view(path).substr(0, path.size() - kWal.size());
    if (auto found = known_.find(path)) woken.push_back(std::move(found));
    if (path.ends_with(kWal))
      if (auto found = known_.find(database)) woken.push_back(std::move(found));
  }
  for (const auto& entry : woken) {
    {
      const std::lock_guard guard(entry->lock);
      if (entry->phase != Phase::open) continue;
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

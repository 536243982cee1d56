// From directory events to captures.
#include <algorithm>
#include <set>

#include "replicator/scheduler.hpp"

namespace replica::replicator {
namespace {

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

void Scheduler::watch_directory(const std::shared_ptr<Entry>& entry) {
  if (!watch_) return;
  {
    const std::lock_guard guard(entry->lock);
    if (entry->watched) return;
  }
  const std::string& path = entry->database.config().path;
  const std::lock_guard guard(watched_lock_);
  // Without a watch (no directory yet, or a limit reached) the poll finds the changes.
  if (auto r = watch_->add(io::parent_of(path)); !r) return;
  watched_[io::parent_of(path)][name_of(path)] = entry;
  const std::lock_guard entry_guard(entry->lock);
  entry->watched = true;
}

void Scheduler::mute(Entry& entry) {
  {
    const std::lock_guard guard(entry.lock);
    if (!entry.watched || std::exchange(entry.muted, true)) return;
  }
  watch_->remove(io::parent_of(entry.database.config().path));
}

void Scheduler::unmute(Entry& entry) {
  const bool watched = watch_->add(io::parent_of(entry.database.config().path)).has_value();
  {
    const std::lock_guard guard(entry.lock);
    entry.muted = false;
    entry.watched = watched;
  }
  if (!watched) forget_watched(entry);  // a limit was reached, or the directory is gone: the poll finds the changes
}

void Scheduler::forget_watched(const Entry& entry) {
  const std::string& path = entry.database.config().path;
  const std::lock_guard guard(watched_lock_);
  const auto names = watched_.find(io::parent_of(path));
  if (names == watched_.end()) return;
  names->second.erase(name_of(path));
  if (names->second.empty()) watched_.erase(names);
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
  constexpr std::string_view kWal = "-wal";
  std::vector<std::shared_ptr<Entry>> woken;
  {
    const std::lock_guard guard(watched_lock_);
    // An event without a directory may be of any: some were lost.
    auto [first, end] =
        directory.empty() ? std::pair(watched_.begin(), watched_.end()) : watched_.equal_range(directory);
    for (; first != end; ++first) {
      for (auto& [file, weak] : first->second) {
        const bool hit = name.empty() || name == file ||
                         (name.size() == file.size() + kWal.size() && name.starts_with(file) && name.ends_with(kWal));
        if (auto entry = hit ? weak.lock() : nullptr) woken.push_back(std::move(entry));
      }
    }
  }
  for (const auto& entry : woken) {
    {
      const std::lock_guard guard(entry->lock);
      entry->glances = kGlances;
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

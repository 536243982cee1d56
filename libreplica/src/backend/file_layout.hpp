// Where the file backend keeps things: the names of its files, its folders, and the walk over them.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <boost/unordered/unordered_flat_set.hpp>

#include "io/file.hpp"
#include "replica/backend.hpp"

namespace replica {

// Their hashes, close together: a daemon has many thousands.
class SettledFolders {
 public:
  bool contains(const std::string& folder) const;
  void add(const std::string& folder);
  void remove(const std::string& folder);
  void clear();

 private:
  mutable std::mutex lock_;
  boost::unordered_flat_set<std::size_t> hashes_;
};

}  // namespace replica

namespace replica::backend {

// A name in `folder` for a put that is not finished: never the same twice, never a key (keys do not end in ".tmp").
std::string unfinished_name(const std::string& folder);
bool is_unfinished(std::string_view name);  // made by that, without the folder

// Makes folders below `root` durable. Safe from any thread at once.
class Folders {
 public:
  // `root`, `clock` and `settled` outlive it.
  Folders(const std::string& root, io::Gate* gate, const Clock& clock, SettledFolders& settled)
      : root_(root), gate_(gate), clock_(clock), settled_(settled) {}

  // What make() has made or found and nobody has made durable yet: from the outermost on. Empty = all is settled.
  using Unsettled = std::vector<std::string>;
  // Sees to `folder` (root or below it) and its parents, unless they are settled; removes unfinished files a crash left
  // there a day ago or earlier. `like` is the model for new folders.
  Result<Unsettled> make(const std::string& folder, const io::FileInfo* like);
  // Makes them durable, when what the put has to do in them is done: a file system with a journal then writes it once
  // for all. Syncs the parent even of a folder that existed, since another process may have made it and not yet synced.
  Result<void> settle(const Unsettled& folders);
  void forget(const std::string& folder);  // it was found missing: its parents may be gone as well

 private:
  const std::string& root_;
  io::Gate* gate_;
  const Clock& clock_;
  SettledFolders& settled_;
  std::atomic<bool> made_root_{false};
};

// Backend::list over the files below `root`. Reads only the folders that can hold keys with that prefix.
Result<void> walk(const std::string& root, std::string_view prefix, std::string_view after,
                  const Backend::Visitor& visitor, const Call& call, io::Gate* gate);

}  // namespace replica::backend

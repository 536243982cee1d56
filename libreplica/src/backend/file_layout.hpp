// Where the file backend keeps things: the names of its files, its folders, and the walk over them.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>

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

  // Makes `folder` (root or below it) and its parents durable, unless they are settled: syncs the parent even of a
  // folder that exists, since another process may have made it and not yet synced, and removes unfinished files a crash
  // left there a day ago or earlier. `like` is the model for new folders.
  Result<void> settle(const std::string& folder, const io::FileInfo* like);
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

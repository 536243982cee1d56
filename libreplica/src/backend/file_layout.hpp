// Where the file backend keeps things: the names of its files, its folders, and the walk over them.
#pragma once

#include <mutex>
#include <optional>

#include "io/file.hpp"
#include "replica/backend.hpp"

namespace replica::backend {

// A name in `folder` for a put that is not finished: never the same twice, never a key (keys do not end in ".tmp").
std::string unfinished_name(const std::string& folder);
bool is_unfinished(std::string_view name);  // made by that, without the folder

// Folders below `root` that are there for certain, also after a power failure. Safe from any thread at once.
class Folders {
 public:
  // `root` and `clock` outlive it.
  Folders(const std::string& root, io::Gate* gate, const Clock& clock) : root_(root), gate_(gate), clock_(clock) {
    settled_.reserve(kUsual);
  }

  // Makes `folder` (root or below it) and its parents durable. Once a folder and instance: syncs the parent even of a
  // folder that exists, since another process may have made it and not yet synced, and removes unfinished files a crash
  // left there a day ago or earlier. `like` is the model for new folders.
  Result<void> settle(const std::string& folder, const io::FileInfo* like);
  void forget();  // one of them was found missing: its parents may be gone as well

 private:
  static constexpr std::size_t kUsual = 7;  // what replication of a database makes; room for them lasts
  bool is_settled(const std::string& folder);
  const std::string& root_;
  io::Gate* gate_;
  const Clock& clock_;
  std::mutex mutex_;
  std::vector<std::size_t> settled_;  // guarded by mutex_; hashes, ascending, since a daemon has many thousands
};

// Backend::list over the files below `root`. Reads only the folders that can hold keys with that prefix.
Result<void> walk(const std::string& root, std::string_view prefix, std::string_view after,
                  const Backend::Visitor& visitor, const Call& call, io::Gate* gate);

}  // namespace replica::backend

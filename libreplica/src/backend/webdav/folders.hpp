// The folders of the store on the server.
#pragma once

#include <set>

#include "backend/webdav/server.hpp"

namespace replica::webdav {

// Folders that have been there a moment ago. Safe from any thread.
class Folders {
 public:
  explicit Folders(Server& server) : server_(server) {}

  // Makes `folder` and what is missing above it. Once a folder and instance also removes what a crash left unfinished
  // there a day ago or earlier.
  Result<void> settle(const std::string& folder, std::string_view what, const Call& call);
  void forget();  // one of them was found missing

 private:
  bool is_settled(const std::string& folder);
  Result<void> make(const std::string& folder, std::string_view what, const Call& call);
  void remove_stale(const std::string& folder, const std::vector<Resource>& found, const Call& call);

  Server& server_;
  std::mutex mutex_;
  std::set<std::string> settled_;  // guarded by mutex_
};

// Backend::list over the files below `prefix`, which stands in front of every key. Asks only for the folders that can
// hold keys that begin with `wanted`.
Result<void> walk(Server& server, std::string_view prefix, std::string_view wanted, std::string_view after,
                  const Backend::Visitor& visitor, const Call& call);

}  // namespace replica::webdav

// The directories of the store on the server.
#pragma once

#include <mutex>
#include <set>

#include "backend/sftp/client.hpp"

namespace replica::backend::sftp {

// Directories at or below `root` that are there for certain. Safe from any thread at once.
class Folders {
 public:
  explicit Folders(std::string root) : root_(std::move(root)) {}

  // Makes `folder` and what is missing above it, durable where the server can; once a directory and instance also
  // removes what a crash left unfinished there a day ago or earlier.
  Result<void> settle(Client& client, const std::string& folder, const Call& call);
  void forget();  // one of them was found missing

  // `folder` and those below it, as far as they are empty.
  Result<void> remove(Client& client, const std::string& folder, const Call& call);

 private:
  bool is_settled(const std::string& folder);
  Result<void> make(Client& client, const std::string& folder, const Call& call);

  std::string root_;
  std::mutex mutex_;
  std::set<std::string> settled_;  // guarded by mutex_
};

}  // namespace replica::backend::sftp

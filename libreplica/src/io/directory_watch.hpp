// Change events of directories, by one inotify instance for the whole process (the default limit is 128 a user).
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "replica/result.hpp"

namespace replica::io {

struct DirectoryEvent {
  std::string directory;  // as given to add()
  std::string
      name;  // of the entry that was written, made, moved or removed; empty = events were lost, look at everything
};

// add() and remove() from any thread; wait() from one.
class DirectoryWatch {
 public:
  // unsupported when the kernel refuses (limits): callers then live by polling. `most`: no more than so many watches
  // are set; 0 = as many as the kernel lets.
  static Result<std::unique_ptr<DirectoryWatch>> open(std::size_t most = 0);
  ~DirectoryWatch();
  DirectoryWatch(const DirectoryWatch&) = delete;
  DirectoryWatch& operator=(const DirectoryWatch&) = delete;

  // Counted: as many remove() as add() end the watch. no_space: there may be no more watches.
  Result<void> add(const std::string& directory);
  void remove(const std::string& directory);

  // Blocks until something happened or interrupt() was called (then nullopt).
  std::optional<std::vector<DirectoryEvent>> wait();
  void interrupt();

 private:
  DirectoryWatch(int inotify, int wake, std::size_t most) : inotify_(inotify), wake_(wake), most_(most) {}
  struct Watched {
    std::string directory;
    int users = 0;
  };
  int inotify_, wake_;
  std::size_t most_;
  std::mutex lock_;
  std::map<int, Watched> by_descriptor_;
  std::map<std::string_view, int> by_directory_;  // views of the texts above
};

}  // namespace replica::io

// Reading a directory entry by entry, for listings that must look at each file.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "io/file.hpp"

namespace replica::io {

// An open directory. One thread at a time.
class Directory {
 public:
  // None when `path` is missing or no directory.
  static Result<std::optional<Directory>> open(const std::string& path, Gate* gate = nullptr);

  Directory(Directory&& other) noexcept;
  Directory& operator=(Directory&&) = delete;
  ~Directory();

  enum class Kind {
    file,
    directory,
    unknown
  };  // unknown = ask info(): a symbolic link, or the file system does not say
  struct Entry {
    std::string name;
    Kind kind = Kind::unknown;
  };
  // Without "." and "..", in no order.
  Result<std::vector<Entry>> entries();
  // Of the entry `name`, through symbolic links; none when it is gone. An empty name means the directory itself.
  Result<std::optional<FileInfo>> info(const std::string& name) const;

 private:
  Directory(void* stream, std::string path, Gate* gate) noexcept
      : stream_(stream), path_(std::move(path)), gate_(gate) {}
  void* stream_ = nullptr;  // DIR*
  std::string path_;
  Gate* gate_ = nullptr;
};

// `path` and the directories below it, as far as nothing else is in them; missing is success.
Result<void> remove_empty_directories(const std::string& path, Gate* gate = nullptr);

}  // namespace replica::io

// A directory for what a measurement writes on a disk.
#pragma once

#include <string>

#include "replica/result.hpp"

namespace litestreamctl::bench {

// Removed with all that is in it by the destructor.
class Workspace {
 public:
  // ".litestream-bench-XXXXXX" in `directory`, for its owner alone. no_space unless there is room for `needed` bytes.
  static replica::Result<Workspace> create(const std::string& directory, std::uint64_t needed);
  Workspace(Workspace&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
  Workspace& operator=(Workspace&&) = delete;
  ~Workspace();

  const std::string& path() const noexcept { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  explicit Workspace(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace litestreamctl::bench

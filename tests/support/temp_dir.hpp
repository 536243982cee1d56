// A directory of a test's own, gone afterwards. LITESTREAM_TEST_KEEP=1 keeps it.
#pragma once

#include <stdlib.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace support {

// For tests with very many syncs, whose point is not what the disk does: a file system in memory when there is one.
inline std::filesystem::path fast_directory() {
  std::error_code ignored;
  const bool there = std::filesystem::is_directory("/dev/shm", ignored);
  return there ? std::filesystem::path("/dev/shm") : std::filesystem::temp_directory_path();
}

class TempDir {
 public:
  explicit TempDir(const std::filesystem::path& below = std::filesystem::temp_directory_path()) {
    path_ = (below / "litestream-test-XXXXXX").string();
    if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("cannot make " + path_);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    std::error_code ignored;
    if (std::getenv("LITESTREAM_TEST_KEEP") == nullptr) std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const noexcept { return path_; }
  std::string path(const std::string& name) const { return path_ + "/" + name; }

  // Every file below, relative, sorted; folders are not named.
  std::vector<std::string> files() const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path_)) {
      if (!entry.is_directory()) found.push_back(entry.path().lexically_relative(path_).string());
    }
    std::sort(found.begin(), found.end());
    return found;
  }

 private:
  std::string path_;
};

}  // namespace support

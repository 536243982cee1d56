#pragma once

#include <filesystem>
#include <string>
#include <system_error>

namespace support {

// Descriptors of this process on files of that directory.
inline int descriptors(const std::string& directory) {
  namespace fs = std::filesystem;
  int found = 0;
  for (const auto& link : fs::directory_iterator("/proc/self/fd")) {
    std::error_code ignored;
    found += fs::read_symlink(link.path(), ignored).string().starts_with(directory + "/") ? 1 : 0;
  }
  return found;
}

}  // namespace support

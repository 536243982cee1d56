// A change of a file that its size and its time of modification do not tell.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

namespace support {

inline void change_unnoticed(const std::string& path) {
  const auto time = std::filesystem::last_write_time(path);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(-1, std::ios::end);
  file.put('x');
  file.close();
  std::filesystem::last_write_time(path, time);
}

}  // namespace support

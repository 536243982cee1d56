// What the files of this folder share and nobody else needs.
#pragma once

#include <sys/stat.h>

#include <cerrno>
#include <string>

#include "io/file.hpp"

namespace replica::io {

// Makes a system call until no signal interrupts it. Returns errno, or 0 when the call gave something else than -1.
template <class SystemCall>
int again(SystemCall call) {
  while (call() < 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

FileInfo info_of(const struct stat& from);
Result<void> own_descriptor_like(int fd, const FileInfo& model, const std::string& path);

}  // namespace replica::io

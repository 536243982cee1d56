// Whether a file has been written to since it was last looked at.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "replica/result.hpp"

namespace replica::io {

// Two equal stamps of a path mean that nothing was written to it in between, as long as the first was settled, the
// system has not been started anew (a power cut can undo times and keep data) and writers use the file system's calls.
struct FileStamp {
  std::uint64_t device = 0, inode = 0, size = 0;
  std::int64_t modified = 0, changed = 0;  // nanoseconds since 1970; the kernel sets `changed` with every change

  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

Result<std::optional<FileStamp>> stamp_of(const std::string& path);  // nullopt: there is no such file

// As ==, but for changes of owner and mode: SQLite makes them whenever root opens a log.
bool is_unwritten(const FileStamp& before, const FileStamp& now);

// Every write from `now` on (nanoseconds since 1970) shows in the times: they are behind by more than file systems are
// coarse. Those that keep nanoseconds go by the tick of the kernel, others by a second or two.
bool is_settled(const FileStamp& stamp, std::int64_t now);
std::int64_t file_clock();  // now, by the clock that file systems go by

// By how much that clock is ahead of the time since the system was started, in nanoseconds: it changes only when
// somebody sets the clock, and falls when it is set back. Right to a few milliseconds.
std::int64_t clock_lead();

// Of the system since it was started; 0 when it does not say.
std::uint64_t boot_identity();

}  // namespace replica::io

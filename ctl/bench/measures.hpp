// What was measured.
#pragma once

#include <optional>

#include "bench/figures.hpp"

namespace litestreamctl::bench {

inline constexpr std::size_t kSmall = 4096;  // bytes of a small object, and of what is synced to a disk at once
inline constexpr int kReaders = 8;           // as many as a restore has

struct DiskMeasures {
  Spread sync;           // 4 KiB appended and synced
  Spread new_file;       // 4 KiB in a file that has appeared under its name and stays there, as each capture makes one
  Transfer write, read;  // write: with the sync at its end; read: not from memory where that can be helped
};

struct StoreMeasures {
  Spread put, get, stat, list;  // objects of 4 KiB; list: all of them
  Transfer up;                  // one large object
  Transfer down;                // block after block, as a restore reads a file
  Transfer down_at_once;        // by as many readers as a restore has
};

struct PathMeasures {
  Transfer first_copy;             // bytes of the database
  std::uint64_t copied_bytes = 0;  // what of it went to the store
  Transfer restore;                // of the first copy, bytes of the database
  Spread lag;                      // of a commit after quiet: from its return until it is durable on the replica
  Spread sync;                     // commits made durable one after another, the commit included
  Transfer restore_all;            // of the first copy and all those commits
  std::size_t restore_all_files = 0;
};

struct Measures {
  DiskMeasures disk;
  StoreMeasures store;
  PathMeasures path;
};

}  // namespace litestreamctl::bench

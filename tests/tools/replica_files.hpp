// What lies in a file replica, judged without the code on trial.
#pragma once

#include <cstdint>
#include <set>
#include <string>

namespace tools {

struct ReplicaFiles {
  std::set<std::uint64_t> reachable{};  // every TXID that some chain of files, beginning at TXID 1, ends with
  std::uint64_t last = 0;               // highest TXID of any file
  bool compacted = false, snapshotted = false;
};

ReplicaFiles scan_replica(const std::string& directory);

}  // namespace tools

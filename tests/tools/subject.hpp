// What is on trial: something that replicates one database to a directory and restores from it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "random.hpp"

namespace tools {

// Settings short and small enough that a second of writing meets every checkpoint, compaction and retention step.
struct SubjectSettings {
  std::string directory;  // of the trial; database, replica and metadata lie in it
  int monitor_ms = 20, checkpoint_ms = 100, sync_ms = 10, min_checkpoint_pages = 50, truncate_pages = 500;
  std::int64_t max_sync_wal_bytes = 0;
  std::vector<int> levels_ms{100, 300};
  int snapshot_ms = 1000, snapshot_retention_ms = 86'400'000, l0_retention_ms = 200, l0_retention_check_ms = 100;

  // A second destination, a part of whose calls fail; only the library has one. Holds the same in the end.
  bool mirrored = false;

  // How soon it hibernates, and whether half of the change events get lost; of the library only.
  int hibernate_ms = 0;
  bool loses_events = false;

  // Only one database may be open, and another is written to as well; of the library only.
  bool crowded = false;

  std::string database() const { return directory + "/source.db"; }
  std::string replica() const { return directory + "/replica"; }
  std::string mirror() const { return directory + "/mirror"; }
  static SubjectSettings by_seed(const std::string& directory, Random& random);
  std::string text() const;  // for failure reports
};

// Every call returns what went wrong, or empty.
class Subject {
 public:
  virtual ~Subject() = default;
  virtual std::string start() = 0;  // returns when replicating
  virtual std::string stop() = 0;   // what is committed is on the replica afterwards
  virtual std::string crash() = 0;  // ends without any farewell; start() follows
  virtual std::string sync() = 0;   // what is committed when it is called is on the replica afterwards
  virtual std::string snapshot() = 0;
  // To a new file. `txid` 0 = latest. Files may vanish from the replica meanwhile; that is for the subject to handle.
  virtual std::string restore(const std::string& output, std::uint64_t txid) = 0;
  virtual bool writes_own_tables() const { return false; }
  // What it has been through (checkpoints…), summed over starts.
  virtual std::map<std::string, std::int64_t> counters() { return {}; }
};

std::unique_ptr<Subject> make_library_subject(const SubjectSettings& settings);

// A daemon with the peer's configuration file and a control socket.
struct DaemonCommands {
  std::vector<std::string> replicate;  // "-config FILE" follows
  std::vector<std::string> control;    // "sync -wait -socket S DB" follows
  std::vector<std::string> restore;    // "-o OUT [-txid T] URL" follows
  bool own_tables = false;
};
std::unique_ptr<Subject> make_daemon_subject(const SubjectSettings& settings, const DaemonCommands& commands);

DaemonCommands peer_commands(const std::string& binary);
DaemonCommands our_commands(const std::string& directory);

}  // namespace tools

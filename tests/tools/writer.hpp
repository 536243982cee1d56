// A seeded application: random transactions, checkpoints, schema changes and reconnects on one database.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tools {

struct DatabaseShape {
  int page_size = 4096;
  int auto_vacuum = 0;
  bool wal = true;  // else the default rollback journal
};

// By seed: any page size (mostly 4096), any auto_vacuum, sometimes some rows.
DatabaseShape shape_for(std::uint64_t seed);
// What is wrong, or empty.
std::string create_database(const std::string& path, const DatabaseShape& shape, std::uint64_t seed);

struct WriterOptions {
  std::string path;
  std::uint64_t seed = 0;
  int index = 1;  // number in the ledger
  double seconds = 1;
  std::int64_t transactions = -1;  // stop after that many; -1 = only by time
  int busy_timeout_ms = 20'000;    // 0: BUSY is counted and the transaction dropped
  double rate = 0;                 // transactions a second; 0 = as fast as it goes
  int autocheckpoint = -2;         // pages; -1 = SQLite's default, -2 = any by seed
  bool checkpoints = true;         // the application's own PASSIVE … TRUNCATE
  bool plain = false;              // random transactions on one connection, nothing between them
  bool small = false;              // only small inserts on one connection: for latencies and long chains
  std::string ledger_log{};
};

struct WriterReport {
  std::int64_t transactions = 0, rollbacks = 0, busy = 0;
  double seconds = 0;
  std::vector<float> latencies_ms{};  // BEGIN to the return of COMMIT
  std::string error{};                // what no application should see: corruption, I/O errors
};

// Runs until time, count or `stop_requested()` says so.
WriterReport run_writer(const WriterOptions& options);
// Async-signal-safe: makes run_writer return after its present transaction.
void request_stop() noexcept;

std::string to_json(WriterReport& report);

}  // namespace tools

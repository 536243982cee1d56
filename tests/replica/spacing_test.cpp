// The Replicator beside a writer that never pauses: one file a sync interval, not more.
#include <sqlite3.h>

#include <thread>

#include "replica/replicator.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

using namespace replica;
using namespace std::chrono_literals;

namespace {

void run(sqlite3* db, const char* sql) { REQUIRE(sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK); }

// Commits until it goes out of scope.
class BusyWriter {
 public:
  explicit BusyWriter(const std::string& path) {
    REQUIRE(sqlite3_open(path.c_str(), &db_) == SQLITE_OK);
    run(db_, "PRAGMA journal_mode=wal; PRAGMA synchronous=OFF; CREATE TABLE t(x)");
  }
  ~BusyWriter() {
    thread_ = {};
    sqlite3_close(db_);
  }
  BusyWriter(const BusyWriter&) = delete;
  BusyWriter& operator=(const BusyWriter&) = delete;
  void begin() {
    thread_ = std::jthread([this](const std::stop_token& stop) {
      while (!stop.stop_requested())
        sqlite3_exec(db_, "INSERT INTO t VALUES (randomblob(500))", nullptr, nullptr, nullptr);
    });
  }

 private:
  sqlite3* db_ = nullptr;
  std::jthread thread_;
};

struct Scene {
  support::TempDir dir;
  std::string path = dir.path("app.db");
  BusyWriter writer{path};
  Replicator replicator;
  DatabaseConfig config;

  explicit Scene(std::chrono::milliseconds interval) {
    config.path = path;
    config.backend = make_memory_backend();
    config.monitor_interval = config.sync_interval = interval;
  }
  void start() {
    REQUIRE(replicator.add(config));
    REQUIRE(replicator.start(path, true));
    REQUIRE(replicator.sync(path, true));
  }
  DatabaseStatus status() const { return *replicator.status(path); }
};

}  // namespace

TEST_CASE("uploads beside a writer that checkpoints by itself are spaced, though its log is captured more often") {
  constexpr auto kInterval = 200ms;
  constexpr std::uint64_t kUploads = 10, kMore = 5;
  Scene s(kInterval);
  s.start();
  const auto status = [&] { return s.status(); };

  const auto first = status();
  const auto begin = std::chrono::steady_clock::now();
  s.writer.begin();
  const auto uploads = [&] { return status().uploads - first.uploads; };
  const auto files = [&] { return status().local_txid.value - first.local_txid.value; };
  while ((uploads() < kUploads || files() < uploads() + kMore) && std::chrono::steady_clock::now() < begin + 240s)
    std::this_thread::yield();
  CHECK(files() >= uploads() + kMore);
  CHECK(status().steps_aside > 0);
  const auto made = uploads();
  const auto intervals = (std::chrono::steady_clock::now() - begin) / kInterval;
  // Late captures may cost one more.
  CHECK(static_cast<int>(made) <= static_cast<int>(intervals) * 3 / 2 + 2);
}

TEST_CASE("captures beside a busy writer are spaced by the sync interval") {
  constexpr auto kInterval = 100ms;
  constexpr int kFiles = 12;
  Scene s(kInterval);
  s.config.min_checkpoint_page_count = 100'000'000;  // a checkpoint may write files of its own
  s.config.truncate_page_n = -1;
  s.start();
  const auto replicated = [&] { return s.status().replicated_txid.value; };

  const auto first = replicated();
  const auto begin = std::chrono::steady_clock::now();
  s.writer.begin();
  while (replicated() < first + kFiles && std::chrono::steady_clock::now() < begin + 20s) std::this_thread::yield();
  const auto files = replicated() - first;
  const auto intervals = (std::chrono::steady_clock::now() - begin) / kInterval;
  REQUIRE(files >= kFiles);
  CHECK(static_cast<int>(files) <= static_cast<int>(intervals) + 2);  // the first comes at once
}

// An application's database, one engine::Database beside it, and restores compared with what SQLite reads.
#pragma once

#include <sqlite3.h>

#include <utility>

#include "engine/database.hpp"
#include "ltx_files.hpp"
#include "replica/restore.hpp"
#include "support/fail_nth.hpp"

namespace engine_fixture {

using namespace replica;
using namespace ltx_files;

class Application {
 public:
  explicit Application(const std::string& path) : path_(path) { open(); }
  ~Application() { close(); }
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;

  void open() {
    REQUIRE(sqlite3_open(path_.c_str(), &db_) == SQLITE_OK);
    run("PRAGMA journal_mode=wal; PRAGMA wal_autocheckpoint=0; PRAGMA synchronous=OFF");
  }
  void close() { sqlite3_close(std::exchange(db_, nullptr)); }
  void run(const std::string& sql) {
    char* message = nullptr;
    const int code = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, &message);
    INFO(sql << ": " << (message == nullptr ? "" : message));
    REQUIRE(code == SQLITE_OK);
  }
  // A table of `rows` rows, about two of them on a page of 4096 bytes.
  void fill(int rows) {
    run("CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB)");
    run("WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i<" + std::to_string(rows) +
        ") INSERT INTO t(v) SELECT randomblob(1500) FROM n");
  }
  void insert() { run("INSERT INTO t(v) VALUES(randomblob(1500))"); }
  void update(int id) { run("UPDATE t SET v = randomblob(1500) WHERE id = " + std::to_string(id)); }
  void checkpoint(const std::string& mode = "PASSIVE") { run("PRAGMA wal_checkpoint(" + mode + ")"); }

 private:
  std::string path_;
  sqlite3* db_ = nullptr;
};

// The database as a reader sees it. Leaves no trace.
inline ByteVector serialized(const std::string& path) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
  sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_int64 size = 0;
  unsigned char* data = sqlite3_serialize(db, "main", &size, 0);
  REQUIRE(data != nullptr);
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  ByteVector image(bytes, bytes + size);
  sqlite3_free(data);
  sqlite3_close(db);
  return image;
}

class ManualClock final : public Clock {
 public:
  Timestamp now() const override { return wall_; }
  Steady steady() const override { return steady_; }
  void pass(std::chrono::milliseconds time) {
    wall_ += time;
    steady_ += time;
  }

 private:
  Timestamp wall_{std::chrono::milliseconds(1'795'443'276'443)};
  Steady steady_{std::chrono::hours(1)};
};

// Fails the calls that `plan` names; everything else reaches a store in memory.
struct Store {
  std::shared_ptr<Backend> memory = make_memory_backend();
  FaultPlan plan;
  std::shared_ptr<Backend> backend =
      make_faulty_backend(memory, [this](std::string_view operation, std::string_view key) -> std::optional<Fault> {
        return plan ? plan(operation, key) : std::nullopt;
      });
};

inline std::optional<Fault> unavailable() { return Fault{{Errc::unavailable, "the store is away"}}; }

struct Fixture {
  TempDir dir;
  std::string path = dir / "app.db", meta = dir / ".app.db-litestream";
  ManualClock clock;
  Store store;
  Replica replica{store.memory, "db"};
  ReplicatorOptions options;
  int restores = 0;

  Fixture() { options.levels = {std::chrono::seconds(30), std::chrono::minutes(5)}; }

  DatabaseConfig config() const {
    DatabaseConfig made;
    made.path = path;
    made.backend = store.backend;
    made.backend_path = "db";
    made.busy_timeout = std::chrono::milliseconds(50);
    return made;
  }
  std::unique_ptr<engine::Database> daemon(io::Gate* gate = nullptr) {
    return std::make_unique<engine::Database>(config(), options, engine::Environment{&clock, &null_logger(), gate});
  }

  // What is replicated now is what the application sees.
  void check_equal() {
    const std::string output = dir / ("restored." + std::to_string(++restores));
    auto restored = restore_database(replica, {}, {.output = output, .integrity_check = IntegrityCheck::full}, {});
    INFO((restored ? "" : restored.error().message));
    REQUIRE(restored);
    const bool equal = serialized(output) == serialized(path);
    CHECK(equal);
    fs::remove(output);
  }
  // Each TXID that a plan reaches is a sound database.
  void check_history() {
    for (const auto& file : listed(0)) {
      const std::string output = dir / ("restored." + std::to_string(++restores));
      auto restored = restore_database(replica, {.txid = file.range.max},
                                       {.output = output, .integrity_check = IntegrityCheck::full}, {});
      INFO(file.range.max.text() << ": " << (restored ? "" : restored.error().message));
      if (!restored) REQUIRE(restored.error().code == Errc::not_found);
      if (restored) fs::remove(output);
    }
  }
  std::vector<LtxFileInfo> listed(Level level) {
    auto files = replica.list(level, {}, {});
    REQUIRE(files);
    return std::move(*files);
  }
};

inline void capture(engine::Database& database) {
  auto captured = database.capture({});
  INFO((captured ? "" : captured.error().message));
  REQUIRE(captured);
}
inline void ship(engine::Database& database) {
  auto shipped = database.ship({});
  INFO((shipped ? "" : shipped.error().message));
  REQUIRE(shipped);
}
inline void sync(engine::Database& database) {
  capture(database);
  ship(database);
  REQUIRE(database.replicated() == database.captured());
}
inline void maintain(engine::Database& database) {
  auto maintained = database.maintain({});
  INFO((maintained ? "" : maintained.error().message));
  REQUIRE(maintained);
}

}  // namespace engine_fixture

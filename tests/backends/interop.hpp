// The peer and we on one store: what either writes the other restores, the latest state and each TXID.
#pragma once

#include <sqlite3.h>

#include "exam.hpp"
#include "replica/replicator.hpp"
#include "replica/restore.hpp"
#include "server.hpp"
#include "support/temp_dir.hpp"

namespace servers {

inline const char* peer() { return std::getenv("LITESTREAM_PEER"); }

inline bool skipped_without_peer() {
  if (peer() != nullptr) return false;
  if (std::getenv("LITESTREAM_REQUIRE_PEER") != nullptr) FAIL("LITESTREAM_PEER is not set");
  std::cout << "skipped: LITESTREAM_PEER is not set\n";
  return true;
}

inline void execute(const std::string& path, const std::string& sql) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
  sqlite3_busy_timeout(db, 5000);
  CHECK(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(db);
}

// One row of one column; empty when there is no such database or table.
inline std::string query(const std::string& path, const std::string& sql) {
  sqlite3* db = nullptr;
  std::string value;
  if (sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READONLY, nullptr) == SQLITE_OK) {
    const auto note = [](void* out, int, char** columns, char**) {
      *static_cast<std::string*>(out) = columns[0] == nullptr ? "" : columns[0];
      return 0;
    };
    sqlite3_exec(db, sql.c_str(), note, &value, nullptr);
  }
  sqlite3_close(db);
  return value;
}

inline constexpr const char* kRows =
    "SELECT count(*) || ' ' || hex(group_concat(v)) FROM (SELECT v FROM t ORDER BY id)";

inline void insert(const std::string& path, int rows) {
  execute(path, "INSERT INTO t(v) WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i<" +
                    std::to_string(rows) + ") SELECT randomblob(300) FROM n");
}

inline std::string make_database(const std::string& path) {
  execute(path, "PRAGMA journal_mode=wal; CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB)");
  insert(path, 200);
  return path;
}

struct Interop {
  std::shared_ptr<replica::Backend> backend;  // with retries
  replica::KeyLayout layout = replica::KeyLayout::ltx_folder;
  std::string peer_replica;  // lines of the peer's configuration below `replica:`, six spaces before
  support::TempDir dir{};
  std::string database = make_database(dir.path("a.db"));
  int restores = 0;

  std::string config() const {
    const std::string path = dir.path("peer.yml");
    std::ofstream(path) << "dbs:\n  - path: " << database << "\n    replica:\n"
                        << peer_replica << "      sync-interval: 50ms\n";
    return path;
  }
  std::string log() const { return tools::read_file(dir.path("peer.log")); }
  tools::ProcessOptions quietly() const { return {.output = dir.path("peer.log"), .unset = {"AWS_CA_BUNDLE"}}; }

  std::string restore(const std::string& output, replica::RestoreTarget target = {}) const {
    const replica::Replica replica(backend, "", layout);
    return error_of(replica::restore_database(
        replica, target, {.output = output, .integrity_check = replica::IntegrityCheck::full}, {}));
  }
  std::string next() { return dir.path("restored." + std::to_string(++restores)); }

  // Both restores of the latest state and of every TXID are the same bytes.
  void compare() {
    const replica::Replica replica(backend, "", layout);
    std::vector<std::string> targets = {""};
    auto files = replica.list(0, {}, {});
    REQUIRE(files);
    for (const auto& file : *files) targets.push_back(file.range.max.text());
    CHECK(targets.size() > 3);
    for (const std::string& txid : targets) {
      INFO(txid);
      const std::string ours = next(), theirs = next();
      replica::RestoreTarget target;
      std::vector<std::string> command = {peer(), "restore", "-config", config(), "-o", theirs};
      if (!txid.empty()) {
        target.txid = replica::TxId::parse(txid).value();
        command.insert(command.end(), {"-txid", txid});
      }
      command.push_back(database);
      const int status = tools::run_process(command, quietly(), std::chrono::seconds(60));
      INFO(log());
      REQUIRE(status == 0);
      REQUIRE(restore(ours, target) == "none");
      CHECK(tools::read_file(ours) == tools::read_file(theirs));
    }
  }

  void peer_writes_we_restore() {
    auto daemon = tools::Process::start({peer(), "replicate", "-config", config()}, quietly());
    for (int round = 0; round < 3; ++round) {
      insert(database, 50);
      const std::string wanted = query(database, kRows);
      const bool same = until([&] {
        const std::string output = next();
        return restore(output) == "none" && query(output, kRows) == wanted;
      });
      INFO(log());
      CHECK(same);
    }
    daemon.signal(SIGTERM);
    CHECK(daemon.wait(std::chrono::seconds(30)).has_value());
    compare();
  }

  void we_write_peer_restores() {
    {
      replica::Replicator replicator({.levels = {std::chrono::milliseconds(200)}, .threads = 2});
      replica::DatabaseConfig settings;
      settings.path = database;
      settings.backend = backend;
      settings.key_layout = layout;
      REQUIRE(replicator.add(settings));
      REQUIRE(error_of(replicator.start(database, true, {})) == "none");
      for (int round = 0; round < 5; ++round) {
        insert(database, 50);
        REQUIRE(error_of(replicator.sync(database, true, {})) == "none");
      }
      REQUIRE(error_of(replicator.snapshot(database, {})) == "none");
      REQUIRE(error_of(replicator.stop(database, {})) == "none");
    }
    compare();
    CHECK(query(dir.path("restored.2"), kRows) == query(database, kRows));
  }
};

}  // namespace servers

// What the peer writes by SFTP we restore, and the other way round.
#include <sqlite3.h>

#include "replica/replicator.hpp"
#include "replica/restore.hpp"
#include "sshd.hpp"

using namespace replica;
using namespace servers;

namespace {

const char* peer() { return std::getenv("LITESTREAM_PEER"); }

bool skipped_without_peer() {
  if (peer() != nullptr) return false;
  if (std::getenv("LITESTREAM_REQUIRE_PEER") != nullptr) FAIL("LITESTREAM_PEER is not set");
  std::cout << "skipped: LITESTREAM_PEER is not set\n";
  return true;
}

void execute(const std::string& path, const std::string& sql) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
  sqlite3_busy_timeout(db, 5000);
  CHECK(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(db);
}

// One row of one column; empty when there is no such database or table.
std::string query(const std::string& path, const std::string& sql) {
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

constexpr const char* kRows = "SELECT count(*) || ' ' || hex(group_concat(v)) FROM (SELECT v FROM t ORDER BY id)";

void insert(const std::string& path, int rows) {
  execute(path, "INSERT INTO t(v) WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i<" +
                    std::to_string(rows) + ") SELECT randomblob(300) FROM n");
}

std::string make_database(const std::string& path) {
  execute(path, "PRAGMA journal_mode=wal; CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB)");
  insert(path, 200);
  return path;
}

std::string write_peer_config(Sshd& sshd, const std::string& database) {
  const auto options = sshd.options();
  // The peer takes whatever key the server prefers to show it, and then compares: RSA on OpenSSH.
  std::string key = sshd.host_key("rsa");
  key.resize(key.find_last_not_of('\n') + 1);
  const std::string path = sshd.dir().path("peer.yml");
  std::ofstream(path) << "dbs:\n  - path: " << database
                      << "\n    replica:\n      type: sftp\n      host: 127.0.0.1:" << options.port
                      << "\n      user: " << options.user << "\n      key-path: " << options.key_path
                      << "\n      host-key: " << key << "\n      path: " << options.root
                      << "\n      sync-interval: 50ms\n";
  return path;
}

std::string restore(Sshd& sshd, const std::string& output) {
  const Replica replica(make_retrying_backend(make_sftp_backend(sshd.options())), "");
  return error_of(restore_database(replica, {}, {.output = output, .integrity_check = IntegrityCheck::full}, {}));
}

}  // namespace

TEST_CASE("what the peer writes by SFTP we restore") {
  if (skipped_without(kSshd) || skipped_without_peer()) return;
  Sshd sshd;
  const std::string database = make_database(sshd.dir().path("a.db"));
  int restores = 0;
  auto daemon = tools::Process::start({peer(), "replicate", "-config", write_peer_config(sshd, database)},
                                      {.output = sshd.dir().path("peer.log"), .unset = {"AWS_CA_BUNDLE"}});
  for (int round = 0; round < 3; ++round) {
    insert(database, 50);
    const std::string wanted = query(database, kRows);
    const bool same = until([&] {
      const std::string output = sshd.dir().path("restored." + std::to_string(++restores));
      const std::string error = restore(sshd, output);
      return error == "none" && query(output, kRows) == wanted;
    });
    INFO(tools::read_file(sshd.dir().path("peer.log")));
    CHECK(same);
  }
}

TEST_CASE("what we write by SFTP the peer restores") {
  if (skipped_without(kSshd) || skipped_without_peer()) return;
  Sshd sshd;
  const std::string database = make_database(sshd.dir().path("a.db"));
  {
    Replicator replicator({.levels = {std::chrono::milliseconds(200)}, .threads = 2});
    DatabaseConfig config;
    config.path = database;
    config.backend = make_retrying_backend(make_sftp_backend(sshd.options()));
    REQUIRE(replicator.add(config));
    REQUIRE(error_of(replicator.start(database, true, {})) == "none");
    for (int round = 0; round < 5; ++round) {
      insert(database, 50);
      REQUIRE(error_of(replicator.sync(database, true, {})) == "none");
    }
    REQUIRE(error_of(replicator.snapshot(database, {})) == "none");
    REQUIRE(error_of(replicator.stop(database, {})) == "none");
  }
  const std::string output = sshd.dir().path("restored.db"), own = sshd.dir().path("own.db");
  const int status =
      tools::run_process({peer(), "restore", "-config", write_peer_config(sshd, database), "-o", output, database},
                         {.output = sshd.dir().path("peer.log"), .unset = {"AWS_CA_BUNDLE"}}, std::chrono::seconds(60));
  INFO(tools::read_file(sshd.dir().path("peer.log")));
  REQUIRE(status == 0);
  CHECK(query(output, kRows) == query(database, kRows));
  CHECK(restore(sshd, own) == "none");
  CHECK(tools::read_file(own) == tools::read_file(output));
}

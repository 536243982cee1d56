// An application that commits to a database of its own.
#pragma once

#include <sqlite3.h>

#include <string>

#include "support/catch.hpp"

namespace support {

class Committer {
 public:
  explicit Committer(const std::string& path) {
    REQUIRE(sqlite3_open(path.c_str(), &db_) == SQLITE_OK);
    run("PRAGMA journal_mode=wal; PRAGMA synchronous=OFF; CREATE TABLE t(x)");
  }
  ~Committer() { sqlite3_close(db_); }
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;
  void run(const char* sql) { REQUIRE(sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) == SQLITE_OK); }
  void commit() { run("INSERT INTO t VALUES (randomblob(500))"); }

 private:
  sqlite3* db_ = nullptr;
};

}  // namespace support

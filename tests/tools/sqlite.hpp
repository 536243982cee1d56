// The little of SQLite that the tools need. Every call returns SQLite's own code, since the tools must tell a busy
// database from a damaged one.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tools {

using Value = std::variant<std::int64_t, std::string_view>;  // a string_view is bound as a blob

class Statement {
 public:
  Statement(sqlite3* db, std::string_view sql, int& code);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  void bind(const std::vector<Value>& values);
  int step();  // SQLITE_ROW, SQLITE_DONE or an error
  int columns() const;
  std::int64_t integer(int column) const;
  std::string_view blob(int column) const;
  int type(int column) const;

 private:
  sqlite3_stmt* handle_ = nullptr;
};

class Connection {
 public:
  Connection() = default;
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int open(const std::string& path, int busy_timeout_ms, bool create = false);
  void close();
  int run(std::string_view sql, const std::vector<Value>& values = {});  // every row is passed over
  std::optional<std::int64_t> integer(std::string_view sql, const std::vector<Value>& values = {});
  std::optional<std::string> text(std::string_view sql);
  bool in_transaction() const;
  std::string message() const;
  sqlite3* handle() const noexcept { return db_; }

 private:
  sqlite3* db_ = nullptr;
};

// True for what a busy neighbour causes and trying again cures.
bool is_busy(int code) noexcept;

}  // namespace tools

// What makes lost, torn and invented transactions visible. Every transaction of a writer adds one row to `ledger`,
// whose hash continues the writer's chain, moves the writer's row in `ledger_tail`, and shifts money between accounts
// whose sum stays zero. After COMMIT has returned, the counter goes to a side file.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "random.hpp"
#include "sqlite.hpp"

namespace tools {

inline constexpr const char* kLedgerSchema =
    "CREATE TABLE ledger(writer INTEGER, counter INTEGER, salt INTEGER, hash INTEGER, PRIMARY KEY(writer, counter)) "
    "WITHOUT ROWID;"
    "CREATE TABLE ledger_tail(writer INTEGER PRIMARY KEY, counter INTEGER, hash INTEGER);"
    "CREATE TABLE accounts(id INTEGER PRIMARY KEY, balance INTEGER);"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 16) INSERT INTO accounts SELECT i, 0 "
    "FROM n;";

// Highest counter of each writer.
using Counters = std::map<int, std::int64_t>;

class Ledger {
 public:
  // `log_path` may be empty. Continues where the database says the writer is.
  int attach(Connection& db, int writer, const std::string& log_path);
  // Inside the caller's transaction. SQLite's code.
  int add(Connection& db, Random& random);
  void committed();
  ~Ledger();
  Ledger() = default;
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

 private:
  int writer_ = 0;
  int log_ = -1;
  std::int64_t counter_ = 0, hash_ = 0;
  std::int64_t next_hash_ = 0;
};

// Checks every chain, tail and the sum of the accounts. Returns what is wrong, or empty; `counters` gets the tails.
std::string check_ledger(Connection& db, Counters& counters);
// The side file: what had been committed for certain when it was read.
Counters read_ledger_log(const std::string& path);
// What `found` lacks of `required`, or empty.
std::string missing_commits(const Counters& required, const Counters& found);

}  // namespace tools

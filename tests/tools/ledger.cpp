#include "ledger.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>

namespace tools {
namespace {

std::int64_t chain(std::int64_t previous, std::int64_t counter, std::int64_t salt) {
  auto h = static_cast<std::uint64_t>(previous) ^ 0xcbf29ce484222325ULL;
  for (std::uint64_t word : {static_cast<std::uint64_t>(counter), static_cast<std::uint64_t>(salt)}) {
    h = (h ^ word) * 0x100000001b3ULL;
    h ^= h >> 29;
  }
  return static_cast<std::int64_t>(h);
}

std::string describe(const char* what, std::int64_t writer, std::int64_t counter) {
  return std::string(what) + ": writer " + std::to_string(writer) + ", counter " + std::to_string(counter);
}

std::string check_chains(Connection& db, Counters& counters, std::map<int, std::int64_t>& hashes) {
  int code = SQLITE_OK;
  Statement rows(db.handle(), "SELECT writer, counter, salt, hash FROM ledger ORDER BY writer, counter", code);
  if (code != SQLITE_OK) return "ledger: " + db.message();
  while ((code = rows.step()) == SQLITE_ROW) {
    const int writer = static_cast<int>(rows.integer(0));
    const std::int64_t counter = rows.integer(1);
    if (counter != counters[writer] + 1) return describe("ledger has a hole", writer, counter);
    if (rows.integer(3) != chain(hashes[writer], counter, rows.integer(2))) {
      return describe("ledger hash is wrong", writer, counter);
    }
    counters[writer] = counter;
    hashes[writer] = rows.integer(3);
  }
  return code == SQLITE_DONE ? "" : "ledger: " + db.message();
}

}  // namespace

Ledger::~Ledger() {
  if (log_ >= 0) ::close(log_);
}

int Ledger::attach(Connection& db, int writer, const std::string& log_path) {
  writer_ = writer;
  counter_ = db.integer("SELECT counter FROM ledger_tail WHERE writer = ?", {std::int64_t{writer}}).value_or(0);
  hash_ = db.integer("SELECT hash FROM ledger_tail WHERE writer = ?", {std::int64_t{writer}}).value_or(0);
  if (!log_path.empty() && log_ < 0) log_ = ::open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  return log_path.empty() || log_ >= 0 ? SQLITE_OK : SQLITE_CANTOPEN;
}

int Ledger::add(Connection& db, Random& random) {
  const auto salt = static_cast<std::int64_t>(random.next());
  next_hash_ = chain(hash_, counter_ + 1, salt);
  const std::int64_t writer = writer_, amount = random.between(-1000, 1000);
  const std::int64_t from = random.between(1, 16), to = random.between(1, 16);
  int code = db.run("INSERT INTO ledger VALUES(?,?,?,?)", {writer, counter_ + 1, salt, next_hash_});
  if (code == SQLITE_OK) code = db.run("REPLACE INTO ledger_tail VALUES(?,?,?)", {writer, counter_ + 1, next_hash_});
  if (code == SQLITE_OK) code = db.run("UPDATE accounts SET balance = balance - ? WHERE id = ?", {amount, from});
  if (code == SQLITE_OK) code = db.run("UPDATE accounts SET balance = balance + ? WHERE id = ?", {amount, to});
  return code;
}

void Ledger::committed() {
  ++counter_;
  hash_ = next_hash_;
  if (log_ < 0) return;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  char line[96];
  const int size = std::snprintf(line, sizeof line, "%d %lld %lld\n", writer_, static_cast<long long>(counter_),
                                 static_cast<long long>(std::chrono::nanoseconds(now).count()));
  // One write of a short line to an O_APPEND file: lines of several writers do not mix.
  if (::write(log_, line, static_cast<std::size_t>(size)) != size) std::perror("ledger log");
}

std::string check_ledger(Connection& db, Counters& counters) {
  counters.clear();
  std::map<int, std::int64_t> hashes;
  if (std::string wrong = check_chains(db, counters, hashes); !wrong.empty()) return wrong;
  int code = SQLITE_OK;
  std::size_t tails_seen = 0;
  Statement tails(db.handle(), "SELECT writer, counter, hash FROM ledger_tail", code);
  if (code != SQLITE_OK) return "ledger_tail: " + db.message();
  while ((code = tails.step()) == SQLITE_ROW) {
    const int writer = static_cast<int>(tails.integer(0));
    ++tails_seen;
    if (tails.integer(1) != counters[writer] || tails.integer(2) != hashes[writer]) {
      return describe("transaction is torn: ledger_tail disagrees with ledger", writer, tails.integer(1));
    }
  }
  if (code != SQLITE_DONE) return "ledger_tail: " + db.message();
  if (tails_seen != counters.size()) return "transaction is torn: ledger_tail lacks a writer";
  const auto sum = db.integer("SELECT sum(balance) FROM accounts");
  if (!sum) return "accounts: " + db.message();
  return *sum == 0 ? "" : "transaction is torn: accounts sum to " + std::to_string(*sum);
}

Counters read_ledger_log(const std::string& path) {
  Counters counters;
  std::ifstream in(path);
  int writer = 0;
  long long counter = 0, time = 0;
  while (in >> writer >> counter >> time) counters[writer] = counter;
  return counters;
}

std::string missing_commits(const Counters& required, const Counters& found) {
  for (const auto& [writer, counter] : required) {
    const auto it = found.find(writer);
    const std::int64_t have = it == found.end() ? 0 : it->second;
    if (have < counter) {
      return "writer " + std::to_string(writer) + " had committed " + std::to_string(counter) + ", found only " +
             std::to_string(have);
    }
  }
  return "";
}

}  // namespace tools

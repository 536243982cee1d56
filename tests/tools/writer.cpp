#include "writer.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <memory>
#include <thread>

#include "ledger.hpp"
#include "random.hpp"
#include "sqlite.hpp"

namespace tools {
namespace {

using SteadyClock = std::chrono::steady_clock;
volatile std::sig_atomic_t stop_flag = 0;

double seconds_since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

class Writer {
 public:
  explicit Writer(const WriterOptions& options)
      : options_(options), random_(options.seed * 8 + static_cast<std::uint64_t>(options.index)) {}

  WriterReport run() {
    const auto start = SteadyClock::now();
    connect();
    while (report_.error.empty() && !stop_flag && seconds_since(start) < options_.seconds &&
           (options_.transactions < 0 || report_.transactions < options_.transactions)) {
      pace(start);
      transaction();
      if (!options_.small && !options_.plain) between_transactions();
    }
    report_.seconds = seconds_since(start);
    return std::move(report_);
  }

 private:
  using Step = int (Writer::*)();

  // Anything but success and BUSY ends the run with an error.
  int note(int code) {
    if (code == SQLITE_OK) return code;
    if (is_busy(code)) {
      ++report_.busy;
    } else if (report_.error.empty()) {
      report_.error = "sqlite " + std::to_string(code) + ": " + db_->message();
    }
    return code;
  }

  void connect() {
    db_ = std::make_unique<Connection>();
    note(db_->open(options_.path, options_.busy_timeout_ms));
    if (options_.small) {
      note(db_->run("PRAGMA synchronous = NORMAL"));
    } else {
      note(db_->run("PRAGMA synchronous = " + std::to_string(random_.between(0, 2))));
      if (random_.chance(0.4)) note(db_->run("PRAGMA cache_size = " + std::to_string(random_.between(2, 20))));
    }
    const int pages =
        options_.autocheckpoint == -2 ? random_.pick({-1, -1, -1, 0, 1, 50, 300}) : options_.autocheckpoint;
    if (pages >= 0) note(db_->run("PRAGMA wal_autocheckpoint = " + std::to_string(pages)));
    note(ledger_.attach(*db_, options_.index, options_.ledger_log));
  }

  void pace(SteadyClock::time_point start) {
    if (options_.rate <= 0) return;
    const std::chrono::duration<double> due(static_cast<double>(paced_++) / options_.rate);
    std::this_thread::sleep_until(start + std::chrono::duration_cast<SteadyClock::duration>(due));
  }

  void transaction() {
    const auto start = SteadyClock::now();
    int code = db_->run(random_.chance(0.5) || options_.small ? "BEGIN IMMEDIATE" : "BEGIN");
    if (code == SQLITE_OK) code = options_.small ? insert_small() : body();
    if (code == SQLITE_OK) code = ledger_.add(*db_, random_);
    const bool give_up = !options_.small && random_.chance(0.08);
    if (code == SQLITE_OK && !give_up) code = db_->run("COMMIT");
    note(code);
    if (db_->in_transaction()) {
      ++report_.rollbacks;
      note(db_->run("ROLLBACK"));
    } else if (code == SQLITE_OK) {
      ledger_.committed();
      ++report_.transactions;
      report_.latencies_ms.push_back(static_cast<float>(seconds_since(start) * 1000));
    }
  }

  int body() {
    static constexpr Step kSteps[] = {
        &Writer::insert_small, &Writer::insert_small, &Writer::insert_large, &Writer::update, &Writer::upsert,
        &Writer::upsert,       &Writer::remove,       &Writer::savepoint,    &Writer::spill,  &Writer::grow};
    int code = SQLITE_OK;
    for (int n = random_.between(1, 3); n > 0 && code == SQLITE_OK; --n) {
      code = (this->*kSteps[static_cast<std::size_t>(random_.between(0, 9))])();
    }
    return code;
  }

  int insert(std::size_t size) {
    const std::string key = std::to_string(random_.next() % 100'000), value = random_.bytes(size);
    return db_->run("INSERT INTO t(k, v) VALUES(CAST(? AS TEXT), ?)", {key, value});
  }
  int insert_small() {
    int code = SQLITE_OK;
    for (int n = options_.small ? 1 : random_.between(1, 20); n > 0 && code == SQLITE_OK; --n) {
      code = insert(static_cast<std::size_t>(random_.between(0, 300)));
    }
    return code;
  }
  int insert_large() { return insert(static_cast<std::size_t>(random_.between(3'000, 60'000))); }
  int update() {
    const std::string value = random_.bytes(static_cast<std::size_t>(random_.between(1, 500)));
    const std::int64_t step = random_.between(3, 40);
    return db_->run("UPDATE t SET v = ? WHERE id % ? = 0", {value, step});
  }
  int upsert() {
    const std::string key = std::to_string(random_.between(0, 400)), value = random_.bytes(100);
    return db_->run("REPLACE INTO w VALUES(CAST(? AS TEXT), ?)", {key, value});
  }
  int remove() {
    const std::int64_t step = random_.pick({2, 3, 3, 8, 30}), rest = random_.between(0, 1);
    return db_->run("DELETE FROM t WHERE id % ? = ?", {step, rest});
  }
  // Part of the transaction is undone, after it may have reached the WAL.
  int savepoint() {
    int code = db_->run("SAVEPOINT inner_part");
    if (code == SQLITE_OK) code = random_.chance(0.5) ? spill() : update();
    if (code == SQLITE_OK && random_.chance(0.6)) code = db_->run("ROLLBACK TO inner_part");
    return code == SQLITE_OK ? db_->run("RELEASE inner_part") : code;
  }
  // More dirty pages than the cache holds: frames without a commit get into the WAL, and some are written twice.
  int spill() {
    int code = db_->run("PRAGMA cache_size = 3");
    for (int n = random_.between(10, 60); n > 0 && code == SQLITE_OK; --n) code = insert(1'500);
    return code == SQLITE_OK ? update() : code;
  }
  int grow() {
    const std::int64_t size = random_.between(1'000, 200'000);
    return db_->run("INSERT INTO t(k, v) VALUES('zero', zeroblob(?))", {size});
  }

  void between_transactions() {
    if (random_.chance(0.03) && options_.checkpoints) checkpoint();
    if (random_.chance(0.02))
      note(db_->run("PRAGMA incremental_vacuum(" + std::to_string(random_.between(1, 50)) + ")"));
    if (random_.chance(0.02)) change_schema();
    if (random_.chance(0.01)) note(db_->run("VACUUM"));
    if (random_.chance(0.01)) connect();
    if (random_.chance(0.02)) read_for_a_while();
    if (random_.chance(0.03)) std::this_thread::sleep_for(std::chrono::milliseconds(random_.between(1, 60)));
    keep_size_bounded();
  }

  void checkpoint() {
    note(db_->run(std::string("PRAGMA wal_checkpoint(") + random_.pick({"PASSIVE", "FULL", "RESTART", "TRUNCATE"}) +
                  ")"));
  }

  void change_schema() {
    const std::string table = "x_" + std::to_string(options_.index) + "_" + std::to_string(random_.between(1, 3));
    switch (random_.between(0, 3)) {
      case 0:
        note(db_->run("CREATE TABLE IF NOT EXISTS " + table + " AS SELECT id, k FROM t WHERE id % 10 = 0"));
        break;
      case 1:
        note(db_->run("DROP TABLE IF EXISTS " + table));
        break;
      case 2:
        note(db_->run("CREATE INDEX IF NOT EXISTS extra_" + std::to_string(options_.index) + " ON t(length(v))"));
        break;
      default:
        note(db_->run("DROP INDEX IF EXISTS extra_" + std::to_string(options_.index)));
    }
  }

  // An old reader, as long transactions of an application are.
  void read_for_a_while() {
    Connection reader;
    note(reader.open(options_.path, options_.busy_timeout_ms));
    if (reader.run("BEGIN") != SQLITE_OK || !reader.integer("SELECT count(*) FROM t")) return;
    // A RESTART checkpoint of a neighbour waits for our reader with the write lock held: whoever then waits long for
    // that lock would wait for itself.
    sqlite3_busy_timeout(db_->handle(), std::min(options_.busy_timeout_ms, 20));
    const auto end = SteadyClock::now() + std::chrono::milliseconds(random_.between(5, 80));
    while (report_.error.empty() && SteadyClock::now() < end) transaction();
    sqlite3_busy_timeout(db_->handle(), options_.busy_timeout_ms);
  }

  void keep_size_bounded() {
    if (report_.transactions % 50 != 49 || db_->integer("PRAGMA page_count").value_or(0) < 3'000) return;
    note(db_->run("DELETE FROM t WHERE id % 10 <> 0"));
  }

  WriterOptions options_;
  Random random_;
  std::unique_ptr<Connection> db_;
  Ledger ledger_;
  WriterReport report_;
  std::int64_t paced_ = 0;
};

double percentile(const std::vector<float>& sorted, double p) {
  if (sorted.empty()) return 0;
  const auto index = static_cast<std::size_t>(std::lround(p * static_cast<double>(sorted.size() - 1)));
  return static_cast<double>(sorted[index]);
}

}  // namespace

void request_stop() noexcept { stop_flag = 1; }

DatabaseShape shape_for(std::uint64_t seed) {
  Random random(seed);
  DatabaseShape shape;
  shape.page_size = random.pick({512, 1024, 2048, 4096, 4096, 4096, 8192, 16384, 32768, 65536});
  shape.auto_vacuum = random.between(0, 2);
  return shape;
}

std::string create_database(const std::string& path, const DatabaseShape& shape, std::uint64_t seed) {
  Random random(seed + 1);
  Connection db;
  int code = db.open(path, 1'000, true);
  const auto run = [&](const std::string& sql) {
    if (code == SQLITE_OK) code = sqlite3_exec(db.handle(), sql.c_str(), nullptr, nullptr, nullptr);
  };
  run("PRAGMA page_size = " + std::to_string(shape.page_size));
  run("PRAGMA auto_vacuum = " + std::to_string(shape.auto_vacuum));
  if (shape.wal) run("PRAGMA journal_mode = WAL");
  run("BEGIN; CREATE TABLE t(id INTEGER PRIMARY KEY, k TEXT, v BLOB); CREATE INDEX t_k ON t(k);"
      "CREATE TABLE w(k TEXT PRIMARY KEY, v BLOB) WITHOUT ROWID;");
  run(kLedgerSchema);
  run("COMMIT");
  for (int n = random.between(0, 1) * random.between(1, 200); n > 0 && code == SQLITE_OK; --n) {
    const std::string value = random.bytes(static_cast<std::size_t>(random.between(0, 2'000)));
    code = db.run("INSERT INTO t(k, v) VALUES('first', ?)", {value});
  }
  return code == SQLITE_OK ? "" : "create " + path + ": " + db.message();
}

WriterReport run_writer(const WriterOptions& options) { return Writer(options).run(); }

std::string to_json(WriterReport& report) {
  std::sort(report.latencies_ms.begin(), report.latencies_ms.end());
  char out[512];
  std::snprintf(out, sizeof out,
                "{\"transactions\": %lld, \"rollbacks\": %lld, \"busy\": %lld, \"seconds\": %.3f, \"p50_ms\": %.3f, "
                "\"p99_ms\": %.3f, \"max_ms\": %.3f}",
                static_cast<long long>(report.transactions), static_cast<long long>(report.rollbacks),
                static_cast<long long>(report.busy), report.seconds, percentile(report.latencies_ms, 0.5),
                percentile(report.latencies_ms, 0.99), percentile(report.latencies_ms, 1));
  return out;
}

}  // namespace tools

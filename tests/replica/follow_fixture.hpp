// A replica whose transactions are those of a real database, and what a follower of it must show at each of them.
#pragma once

#include <sqlite3.h>

#include <mutex>
#include <set>

#include "replica/follow.hpp"
#include "restore/follower.hpp"
#include "restore_fixture.hpp"

namespace follow_fixture {

using namespace restore_fixture;

class Sql {
 public:
  explicit Sql(const std::string& path, int busy_timeout_ms = 0) {
    REQUIRE(sqlite3_open(path.c_str(), &db_) == SQLITE_OK);
    sqlite3_busy_timeout(db_, busy_timeout_ms);
  }
  Sql(const Sql&) = delete;
  Sql& operator=(const Sql&) = delete;
  ~Sql() { sqlite3_close(db_); }
  int run(const std::string& sql) { return sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr); }
  // First column of the first row; the error's text when there is one.
  std::string ask(const std::string& sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(db_, sql.c_str(), -1, &statement, nullptr) != SQLITE_OK) return sqlite3_errmsg(db_);
    const int rc = sqlite3_step(statement);
    std::string answer = "nothing";
    if (rc == SQLITE_ROW) answer = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) answer = sqlite3_errmsg(db_);
    sqlite3_finalize(statement);
    return answer;
  }

 private:
  sqlite3* db_ = nullptr;
};

// What a follower may choose itself is blanked: journal mode, change counter, size and version-valid-for.
inline ByteVector comparable(ByteVector bytes) {
  if (bytes.size() < 100) return bytes;
  for (const auto& [from, to] : {std::pair<std::size_t, std::size_t>{18, 20}, {24, 32}, {92, 96}})
    std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(from), bytes.begin() + static_cast<std::ptrdiff_t>(to),
              std::byte{0});
  return bytes;
}

// Two tables that agree after every transaction: `total.n` is the number of rows of `entries`.
inline const std::string kAgree = "SELECT (SELECT count(*) FROM entries) = (SELECT n FROM total)";

struct Primary {
  explicit Primary(const TempDir& dir, std::uint32_t page_bytes = 512)
      : page_size(page_bytes), path(dir / "primary.db"), sql(path) {
    REQUIRE(sql.run("PRAGMA page_size=" + std::to_string(page_bytes)) == SQLITE_OK);
    commit("CREATE TABLE entries(id INTEGER PRIMARY KEY, x BLOB); CREATE TABLE total(n); INSERT INTO total VALUES(0)");
  }

  // One transaction; what it changed goes to `pages` as TXID last().
  void commit(const std::string& statements) {
    REQUIRE(sql.run("BEGIN;" + statements + ";COMMIT") == SQLITE_OK);
    remember();
  }
  void vacuum() {
    REQUIRE(sql.run("VACUUM") == SQLITE_OK);
    remember();
  }
  void add(int rows, int bytes = 300) {
    std::string text;
    for (int i = 0; i < rows; ++i) text += "INSERT INTO entries(x) VALUES(randomblob(" + std::to_string(bytes) + "));";
    commit(text + "UPDATE total SET n = n + " + std::to_string(rows));
  }
  void drop(int rows) {
    commit("DELETE FROM entries WHERE id IN (SELECT id FROM entries LIMIT " + std::to_string(rows) +
           "); UPDATE total SET n = (SELECT count(*) FROM entries)");
  }
  // A life: growing, changing, shrinking, growing again.
  void live() {
    add(5);
    add(20);
    commit("UPDATE entries SET x = randomblob(300) WHERE id % 3 = 0");
    drop(18);
    vacuum();
    add(2);
    commit("CREATE TABLE extra(y); INSERT INTO extra VALUES('here')");
    add(25);
  }

  std::uint64_t last() const { return states.size() - 1; }
  PageNo pages_at(std::uint64_t txid) const { return static_cast<PageNo>(states[txid].size() / page_size); }

  // The file that leads from min - 1 to max.
  std::pair<LtxHeader, Pages> file(std::uint64_t min, std::uint64_t max) const {
    Pages changed;
    for (std::uint64_t txid = min; txid <= max; ++txid) {
      for (PageNo page = 1; page <= pages_at(txid); ++page) {
        const auto now = image(txid, page);
        if (page > pages_at(txid - 1) || now != image(txid - 1, page)) changed[page] = now;
      }
      changed.erase(changed.upper_bound(pages_at(txid)), changed.end());
    }
    auto made = header(min, max, pages_at(max), page_size, 1'700'000'000'000 + static_cast<std::int64_t>(max) * 1000);
    return {made, changed};
  }

  void remember() { states.push_back(read_file(path)); }

  std::uint32_t page_size;
  std::string path;
  Sql sql;
  std::vector<ByteVector> states{{}};  // by TXID

 private:
  ByteVector image(std::uint64_t txid, PageNo page) const {
    const auto from = states[txid].begin() + static_cast<std::ptrdiff_t>(std::size_t{page - 1} * page_size);
    return {from, from + page_size};
  }
};

// Counts what the store is asked.
struct Following : Fixture {
  explicit Following(std::uint32_t page_size = 512) : primary(dir, page_size) {
    backend = make_faulty_backend(backend, [this](std::string_view operation, std::string_view key) {
      const std::lock_guard lock(mutex);  // a first restore reads with several threads
      calls.push_back(std::string(operation) + " " + std::string(key));
      return fault ? fault(operation, key) : std::optional<Fault>();
    });
    replica = Replica(backend, "");
  }

  LtxFileInfo upload(Level level, std::uint64_t min, std::uint64_t max) {
    const auto [made, pages] = primary.file(min, max);
    return put(level, made, pages);
  }
  void upload_next() {
    ++uploaded;
    upload(0, uploaded, uploaded);
  }
  // All that is not on level 0 yet.
  void upload_new() {
    while (uploaded < primary.last()) upload_next();
  }
  void forget(Level level, std::uint64_t min, std::uint64_t max) {
    REQUIRE(replica.remove({{.level = level, .range = {{min}, {max}}}}, {}));
  }
  FollowOptions follow_options() {
    FollowOptions options{.output = output};
    options.parallelism = 2;
    options.clock = &clock;
    options.wait = [this](std::chrono::milliseconds, const Call&) {
      if (on_wait) on_wait();
    };
    return options;
  }
  Result<Follower> open(io::Gate* gate = nullptr) { return FollowerAccess::open(replica, follow_options(), {}, gate); }

  Follower follow() {
    auto follower = open();
    REQUIRE(error_of(follower) == "no error");
    return std::move(*follower);
  }
  static TxId at(std::uint64_t txid) { return {txid}; }
  void check_nothing_left() const {
    const std::set<std::string> known{"out.db", "out.db-txid", "primary.db", "primary.db-wal", "primary.db-shm"};
    for (const auto& name : names_in(dir.path())) {
      INFO(name);
      CHECK(known.contains(name));
    }
  }

  // The database is what the primary was at `txid`, and sound.
  void check_state(std::uint64_t txid) {
    CHECK(sqlite_opinion(output) == "ok");
    CHECK(comparable(read_file(output)) == comparable(primary.states[txid]));
  }
  // Which state it is, 0 = none.
  std::uint64_t state() const {
    const auto now = comparable(read_file(output));
    for (std::uint64_t txid = primary.last(); txid > 0; --txid)
      if (now == comparable(primary.states[txid])) return txid;
    return 0;
  }

  struct ManualClock final : Clock {
    Timestamp now() const override { return {}; }
    Steady steady() const override { return time; }
    Steady time{std::chrono::hours{1}};
  };
  ManualClock clock;
  Primary primary;
  std::uint64_t uploaded = 0;
  std::mutex mutex;
  std::vector<std::string> calls;
  std::function<std::optional<Fault>(std::string_view, std::string_view)> fault;
  std::function<void()> on_wait;
};

inline FollowStep apply(Follower& follower) {
  auto step = follower.apply_new({});
  REQUIRE(error_of(step) == "no error");
  return *step;
}

inline std::string position_text(const std::string& output) {
  const auto bytes = read_file(output + "-txid");
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace follow_fixture

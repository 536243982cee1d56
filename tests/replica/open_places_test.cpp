// More databases than may be open at once: all of them are replicated, and the limit holds.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <random>
#include <set>
#include <thread>

#include "capture_fixture.hpp"
#include "door.hpp"
#include "replica/replicator.hpp"
#include "replica/restore.hpp"
#include "support/patience.hpp"

using namespace capture_fixture;
using namespace std::chrono_literals;
using support::eventually;
using support::within;

namespace {

// Written from threads, where nothing may be required: what failed is counted.
class Writer {
 public:
  explicit Writer(const std::string& path) {
    failed_ = sqlite3_open(path.c_str(), &db_) != SQLITE_OK;
    sqlite3_busy_timeout(db_, 10'000);
    run("PRAGMA journal_mode=wal; PRAGMA wal_autocheckpoint=0; PRAGMA synchronous=OFF");
  }
  ~Writer() { sqlite3_close(db_); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  void run(const std::string& sql) {
    failed_ += sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK;
  }
  void checkpoint() { sqlite3_wal_checkpoint_v2(db_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr); }
  int failed() const { return failed_; }

 private:
  sqlite3* db_ = nullptr;
  int failed_ = 0;
};

std::string contents(const std::string& path) {
  sqlite3* db = nullptr;
  sqlite3_stmt* statement = nullptr;
  REQUIRE(sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READONLY, nullptr) == SQLITE_OK);
  REQUIRE(sqlite3_prepare_v2(db, "SELECT id, hex(v) FROM t ORDER BY id", -1, &statement, nullptr) == SQLITE_OK);
  std::string all;
  while (sqlite3_step(statement) == SQLITE_ROW) {
    all.append(reinterpret_cast<const char*>(sqlite3_column_text(statement, 0))).append(" ");
    all.append(reinterpret_cast<const char*>(sqlite3_column_text(statement, 1))).append("\n");
  }
  sqlite3_finalize(statement);
  sqlite3_close(db);
  return all;
}

// Databases that hold a descriptor: each has one on its lock.
std::size_t databases_open(const std::string& directory) {
  std::set<std::string> open;
  for (const auto& link : fs::directory_iterator("/proc/self/fd")) {
    std::error_code ignored;
    const std::string target = fs::read_symlink(link.path(), ignored).string();
    if (target.starts_with(directory + "/") && target.ends_with("-litestream/lock")) open.insert(target);
  }
  return open.size();
}

// Looks all the time.
class Watch {
 public:
  explicit Watch(const Replicator& replicator)
      : thread_([this, &replicator](const std::stop_token& stop) {
          for (; !stop.stop_requested(); std::this_thread::sleep_for(std::chrono::microseconds(200)))
            most_ = std::max(most_.load(), replicator.counts().held);
        }) {}
  std::size_t most() const { return most_; }

 private:
  std::atomic<std::size_t> most_{0};
  std::jthread thread_;
};

constexpr std::size_t kLimit = 3;

struct Fleet {
  explicit Fleet(std::size_t count, std::size_t limit = kLimit, std::shared_ptr<Backend> backend = {})
      : store(backend ? std::move(backend) : make_memory_backend()) {
    ReplicatorOptions options;
    options.max_open_databases = limit;
    options.levels = {200ms};
    replicator = std::make_unique<Replicator>(options);
    for (std::size_t n = 0; n < count; ++n) {
      applications.push_back(std::make_unique<Writer>(path(n)));
      applications[n]->run("CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB); INSERT INTO t(v) VALUES ('first')");
      DatabaseConfig config;
      config.path = path(n);
      config.backend = store;
      config.backend_path = prefix(n);
      config.sync_interval = 20ms;
      config.monitor_interval = 20ms;
      config.hibernate_after = 0ms;  // never by itself
      config.min_checkpoint_page_count = 50;
      REQUIRE(replicator->add(config));
    }
  }
  void start() {
    for (std::size_t n = 0; n < applications.size(); ++n) REQUIRE(replicator->start(path(n), false));
  }
  std::string path(std::size_t n) const { return dir.path("d" + std::to_string(n) + ".db"); }
  static std::string prefix(std::size_t n) { return "d" + std::to_string(n); }
  bool all_replicated() const {
    const auto all = replicator->list();
    return std::all_of(all.begin(), all.end(), [](const DatabaseStatus& one) {
      return one.ready && one.local_txid && one.replicated_txid == one.local_txid;
    });
  }
  void check(std::size_t n) const {
    const TempDir here;
    const std::string copy = here / "copy.db";
    INFO(path(n));
    CHECK(applications[n]->failed() == 0);
    const RestoreOptions options{.output = copy, .integrity_check = IntegrityCheck::quick};
    const auto restored = restore_database(Replica(store, prefix(n)), {}, options, {});
    INFO((restored ? std::string() : restored.error().message));
    REQUIRE(restored);
    CHECK(contents(copy) == contents(path(n)));
  }

  support::TempDir dir{support::fast_directory()};
  std::shared_ptr<Backend> store;
  std::unique_ptr<Replicator> replicator;
  std::vector<std::unique_ptr<Writer>> applications;
};

void write(Writer& application, std::mt19937_64& random) {
  const std::string some = "randomblob(" + std::to_string(1 + random() % 3000) + ")";
  switch (random() % 4) {
    case 0:
      return application.run("UPDATE t SET v = " + some + " WHERE id = (SELECT max(id) FROM t)");
    case 1:
      return application.run("DELETE FROM t WHERE id = (SELECT min(id) FROM t WHERE id > 1)");
    default:
      return application.run("INSERT INTO t(v) VALUES (" + some + ")");
  }
}

}  // namespace

TEST_CASE("twenty databases under writers, three of them open at once") {
  constexpr std::size_t kDatabases = 20;
  Fleet f(kDatabases);
  const Watch watch(*f.replicator);
  f.start();
  const auto first = seed();
  INFO("LITESTREAM_TEST_SEED=" << first);
  std::atomic<int> calls{0};
  {
    std::vector<std::jthread> writers;
    writers.reserve(4);
    for (std::size_t w = 0; w < 4; ++w)
      writers.emplace_back([&, w] {
        std::mt19937_64 random(first + w);
        for (int i = 0; i < 400; ++i) {
          const std::size_t n = 4 * (random() % (kDatabases / 4)) + w;  // its own
          write(*f.applications[n], random);
          if (random() % 20 == 0) f.applications[n]->checkpoint();
          std::this_thread::sleep_for(std::chrono::milliseconds(random() % 8));
        }
      });
    std::mt19937_64 random(first + 99);
    for (int i = 0; i < 30; ++i) {
      const auto path = f.path(random() % kDatabases);
      const auto done = random() % 5 == 0 ? f.replicator->snapshot(path, within(60s)).has_value()
                                          : f.replicator->sync(path, random() % 2 == 0, within(60s)).has_value();
      calls += done ? 1 : 0;
    }
  }
  CHECK(calls == 30);
  for (std::size_t n = 0; n < kDatabases; ++n) CHECK(f.replicator->wait_durable(f.path(n), std::nullopt, within(60s)));
  for (std::size_t n = 0; n < kDatabases; ++n) f.check(n);
  CHECK(watch.most() <= kLimit);
  CHECK(watch.most() > 1);
  CHECK(f.replicator->stop_all().empty());
}

TEST_CASE("databases that are written to all the time take turns") {
  constexpr std::size_t kDatabases = 5;
  Fleet f(kDatabases);
  const Watch watch(*f.replicator);
  f.start();
  std::jthread writer([&](const std::stop_token& stop) {
    while (!stop.stop_requested())
      for (auto& one : f.applications) one->run("INSERT INTO t(v) VALUES (randomblob(20))");
  });
  REQUIRE(eventually([&] { return f.all_replicated() || f.replicator->list().back().replicated_txid; }));
  std::vector<std::jthread> waiters;
  waiters.reserve(kDatabases);
  std::atomic<int> durable{0};
  for (std::size_t n = 0; n < kDatabases; ++n)
    waiters.emplace_back([&, n] {
      for (int round = 0; round < 3; ++round)
        durable += f.replicator->wait_durable(f.path(n), std::nullopt, within(60s)).has_value() ? 1 : 0;
    });
  waiters.clear();
  CHECK(durable == 3 * kDatabases);
  writer = {};
  for (std::size_t n = 0; n < kDatabases; ++n) CHECK(f.replicator->sync(f.path(n), true, within(60s)));
  for (std::size_t n = 0; n < kDatabases; ++n) f.check(n);
  CHECK(watch.most() <= kLimit);
}

TEST_CASE("a start that waits, a stop and a removal find a place") {
  constexpr std::size_t kDatabases = 8;
  Fleet f(kDatabases);
  const Watch watch(*f.replicator);
  for (std::size_t n = 0; n < kDatabases; ++n) REQUIRE(f.replicator->start(f.path(n), true, within(60s)));
  f.applications[0]->run("INSERT INTO t(v) VALUES ('last')");
  REQUIRE(f.replicator->stop(f.path(0), within(60s)));
  f.check(0);
  for (std::size_t n = 1; n < kDatabases; ++n) {
    f.applications[n]->run("INSERT INTO t(v) VALUES ('last')");
    REQUIRE(f.replicator->remove(f.path(n), within(60s)));
    f.check(n);
  }
  CHECK(databases_open(f.dir.path()) == 0);
  CHECK(f.replicator->counts().held == 0);
  REQUIRE(f.replicator->start(f.path(0), true, within(60s)));
  CHECK(watch.most() <= kLimit);
}

// While the store does not answer nothing is shipped, so that nothing can rest: what is captured waits in the files.
TEST_CASE("databases take turns while their store is away") {
  constexpr std::size_t kDatabases = 8;
  engine_fixture::Door door;
  Fleet f(kDatabases, kLimit, door.backend());
  f.store = door.memory;
  f.start();
  REQUIRE(eventually([&] { return f.all_replicated(); }));
  const Watch watch(*f.replicator);
  std::vector<TxId> before;
  for (const auto& one : f.replicator->list()) before.push_back(one.local_txid);
  door.shut();
  for (auto& one : f.applications) one->run("INSERT INTO t(v) VALUES ('meanwhile')");
  const auto all_grown = [&] {
    const auto all = f.replicator->list();
    return std::equal(all.begin(), all.end(), before.begin(),
                      [](const auto& now, TxId then) { return now.local_txid > then; });
  };
  CHECK(eventually(all_grown));
  door.open();
  CHECK(eventually([&] { return f.all_replicated(); }));
  for (std::size_t n = 0; n < kDatabases; ++n) f.check(n);
  CHECK(watch.most() <= kLimit);
}

#ifndef TESTS_UNDER_UBSAN  // which takes descriptors itself to look at an object
// Somebody else has taken the descriptors, whatever the limit of ours says.
TEST_CASE("without descriptors a database waits for some, and says so") {
  Fleet f(4, 0);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit low{.rlim_cur = std::min<rlim_t>(before.rlim_cur, 300), .rlim_max = before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
  std::vector<int> taken;
  for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) taken.push_back(fd);
  REQUIRE(taken.size() > 2);
  f.start();
  const bool told = eventually([&] {
    const auto all = f.replicator->list();
    return std::all_of(all.begin(), all.end(), [](const DatabaseStatus& one) { return one.last_error.has_value(); });
  });
  const auto all = f.replicator->list();
  for (const int fd : taken) ::close(fd);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(told);
  for (const DatabaseStatus& one : all) {
    REQUIRE(one.last_error);
    INFO(one.last_error->message);
    CHECK(one.last_error->code == Errc::unavailable);
    CHECK(one.last_error->hint == "raise the limit of open files");
  }
  for (auto& one : f.applications) one->run("INSERT INTO t(v) VALUES ('meanwhile')");
  for (std::size_t n = 0; n < 4; ++n) CHECK(f.replicator->sync(f.path(n), true, within(60s)));
  for (std::size_t n = 0; n < 4; ++n) f.check(n);
}
#endif

// Many databases in one process, the application's own connections among them. Threads and time are real here; the
// tests wait on conditions.
#include "replica/replicator.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "engine_fixture.hpp"
#include "support/patience.hpp"

using namespace engine_fixture;
using support::eventually;

namespace {

std::size_t entries_of(const char* path) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(path)) ++count;
  return count;
}
std::size_t threads_now() { return entries_of("/proc/self/task"); }
std::size_t descriptors_now() { return entries_of("/proc/self/fd"); }

Call within_seconds(int seconds) {
  return {.deadline = std::chrono::steady_clock::now() + std::chrono::seconds(seconds)};
}

// Asks another process, because a process does not conflict with its own POSIX locks.
bool somebody_locks(const std::string& path) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    // SQLite's shared range: byte 0x40000002, 510 bytes. https://www.sqlite.org/src/file/src/os.h
    struct flock lock{};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = 0x40000002;
    lock.l_len = 510;
    const bool locked = ::fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    ::_exit(fd >= 0 && locked ? 1 : 0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status) == 1;
}

struct Bench {
  TempDir dir;
  std::shared_ptr<Backend> backend = make_memory_backend();
  int restores = 0;

  static ReplicatorOptions options() {
    ReplicatorOptions made;
    made.threads = 2;
    return made;
  }
  std::string path(const std::string& name) const { return dir / (name + ".db"); }
  DatabaseConfig config(const std::string& name) const {
    DatabaseConfig made;
    made.path = path(name);
    made.backend = backend;
    made.backend_path = name;
    made.monitor_interval = made.sync_interval = std::chrono::milliseconds(10);
    return made;
  }
  void check_equal(const std::string& name) {
    const std::string output = dir / ("restored." + std::to_string(++restores));
    auto restored = restore_database(Replica(backend, name), {}, {.output = output}, {});
    INFO(name << ": " << (restored ? "" : restored.error().message));
    REQUIRE(restored);
    const bool equal = serialized(output) == serialized(path(name));
    CHECK(equal);
  }
};

void start(Replicator& replicator, const DatabaseConfig& config) {
  auto added = replicator.add(config);
  REQUIRE(added);
  auto started = replicator.start(config.path, true, within_seconds(30));
  INFO((started ? "" : started.error().message));
  REQUIRE(started);
}

void sync(Replicator& replicator, const std::string& path) {
  auto synced = replicator.sync(path, true, within_seconds(30));
  INFO((synced ? "" : synced.error().message));
  REQUIRE(synced);
}

}  // namespace

TEST_CASE("databases come and go while others are replicated, on a bounded number of threads") {
  Bench bench;
  std::vector<std::unique_ptr<Application>> apps;
  Replicator replicator(Bench::options());
  const std::size_t threads = threads_now();
  for (int n = 0; n < 12; ++n) {
    const std::string name = "db" + std::to_string(n);
    apps.push_back(std::make_unique<Application>(bench.path(name)));
    apps.back()->fill(5);
    start(replicator, bench.config(name));
    if (n % 3 == 2) {
      auto removed = replicator.remove(bench.path("db" + std::to_string(n - 1)), within_seconds(30));
      REQUIRE(removed);
      CHECK(replicator.status(bench.path("db" + std::to_string(n - 1))).error().code == Errc::not_found);
    }
  }
  CHECK(replicator.list().size() == 8);
  // Two pools of two may have twice as many for databases that begin.
  CHECK(threads_now() <= threads + 4);
  // One that was removed is added again and goes on where it was.
  apps[1]->insert();
  start(replicator, bench.config("db1"));
  for (std::size_t n = 0; n < apps.size(); n += 3) {
    apps[n]->insert();
    sync(replicator, bench.path("db" + std::to_string(n)));
    bench.check_equal("db" + std::to_string(n));
  }
  sync(replicator, bench.path("db1"));
  bench.check_equal("db1");
  // Stopped and started again.
  auto stopped = replicator.stop(bench.path("db0"), within_seconds(30));
  REQUIRE(stopped);
  apps[0]->insert();
  auto again = replicator.start(bench.path("db0"), true, within_seconds(30));
  REQUIRE(again);
  sync(replicator, bench.path("db0"));
  bench.check_equal("db0");
}

TEST_CASE("a database that gets other settings is never found missing") {
  Bench bench;
  const std::string path = bench.path("a");
  Application app(path);
  app.fill(3);
  Replicator replicator(Bench::options());
  std::atomic<int> missing{0}, found{0};
  REQUIRE(replicator.add(bench.config("a")));
  {
    const std::jthread asker([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) ++(replicator.status(path) ? found : missing);
    });
    for (int n = 0; n < 50; ++n) {
      app.insert();
      REQUIRE(replicator.start(path, true, within_seconds(30)));
      DatabaseConfig other = bench.config("a");
      other.sync_interval = std::chrono::milliseconds(n + 1);
      REQUIRE(replicator.replace(other, within_seconds(30)));
    }
    REQUIRE(eventually([&] { return found > 50; }));
  }
  CHECK(missing == 0);
  // One that is not known is added.
  REQUIRE(replicator.remove(path));
  REQUIRE(replicator.replace(bench.config("a")));
  CHECK(replicator.status(path));
  DatabaseConfig senseless = bench.config("a");
  senseless.path.clear();
  CHECK_FALSE(replicator.replace(senseless));
  CHECK(replicator.status(path));
}

TEST_CASE("no thread, no descriptor and no signal handler is left behind") {
  Bench bench;
  Application app(bench.path("a"));
  app.fill(5);
  std::thread([] {}).join();  // sanitizers start a thread of their own with the first
  const std::size_t threads = threads_now();
  std::size_t descriptors = 0;
  for (int round = 0; round < 3; ++round) {
    Replicator replicator(Bench::options());
    start(replicator, bench.config("a"));
    app.insert();
    CHECK(replicator.stop_all(within_seconds(30)).empty());
    // The kernel tells who joins a thread a moment before it is gone from the list.
    CHECK(eventually([&] { return threads_now() == threads; }));
    // While the application has locks SQLite keeps what others closed, to use it again.
    if (round == 0) descriptors = descriptors_now();
    for (int number = 1; number < NSIG; ++number) {
      struct sigaction action{};
      if (number == SIGKILL || number == SIGSTOP || ::sigaction(number, nullptr, &action) != 0) continue;
      INFO("signal " << number);
      CHECK((action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN || (action.sa_flags & SA_ONSTACK) != 0));
    }
  }
  CHECK(eventually([&] { return threads_now() == threads; }));
  CHECK(descriptors_now() <= descriptors);
  bench.check_equal("a");
}

// F27: closing any descriptor of the database drops every lock of the process on it.
TEST_CASE("the application's locks survive whatever the replicator does in its process") {
  Bench bench;
  Application app(bench.path("a"));
  app.fill(50);
  app.run("BEGIN; SELECT count(*) FROM t");  // a reader holds the shared lock for as long as it is connected
  REQUIRE(somebody_locks(bench.path("a")));
  Application writer(bench.path("a"));
  const auto locked = [&](const char* when) {
    INFO(when);
    CHECK(somebody_locks(bench.path("a")));
  };
  for (int round = 0; round < 3; ++round) {
    DatabaseConfig config = bench.config("a");
    config.min_checkpoint_page_count = 1;
    config.truncate_page_n = 5;
    {
      Replicator replicator(Bench::options());
      start(replicator, config);
      locked("attached");
      for (int n = 0; n < 10; ++n) {
        writer.update(n + 1);
        sync(replicator, config.path);
      }
      locked("synced and checkpointed");
      auto snapshot = replicator.snapshot(config.path, within_seconds(30));
      REQUIRE(snapshot);
      locked("snapshot taken");
      auto second = Replicator(Bench::options()).add(config);
      REQUIRE(second);
      auto stopped = replicator.stop(config.path, within_seconds(30));
      REQUIRE(stopped);
      locked("stopped");
      auto again = replicator.start(config.path, true, within_seconds(30));
      REQUIRE(again);
      auto removed = replicator.remove(config.path, within_seconds(30));
      REQUIRE(removed);
      locked("removed");
    }
    locked("replicator gone");
    bench.check_equal("a");
  }
  app.run("COMMIT");
}

TEST_CASE("another database at the same path is noticed and replicated") {
  enum class Change { replaced, recreated, page_size, older_copy };
  const auto change = GENERATE(Change::replaced, Change::recreated, Change::page_size, Change::older_copy);
  CAPTURE(static_cast<int>(change));
  Bench bench;
  const std::string path = bench.path("a");
  auto app = std::make_unique<Application>(path);
  app->fill(30);
  Replicator replicator(Bench::options());
  start(replicator, bench.config("a"));
  sync(replicator, path);
  if (change == Change::older_copy) {
    app->checkpoint("FULL");
    fs::copy_file(path, bench.path("old"));
  }
  for (int n = 0; n < 5; ++n) app->update(n + 1);
  sync(replicator, path);
  app.reset();

  const auto remove_all = [&] {
    for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(path + suffix);
  };
  switch (change) {
    case Change::replaced: {
      Application other(bench.path("other"));
      other.fill(7);
      other.close();
      remove_all();
      fs::rename(bench.path("other"), path);
      break;
    }
    case Change::recreated: {
      remove_all();
      // Gone for a while; the daemon is to wait for it.
      REQUIRE(eventually([&] { return !replicator.status(path)->ready; }));
      Application other(path);
      other.fill(3);
      break;
    }
    case Change::page_size: {
      Application other(bench.path("other"));
      other.run("PRAGMA journal_mode=delete; PRAGMA page_size=8192; VACUUM");
      other.run("PRAGMA journal_mode=wal");
      other.fill(20);
      other.close();
      remove_all();
      fs::rename(bench.path("other"), path);
      break;
    }
    case Change::older_copy:
      remove_all();
      fs::rename(bench.path("old"), path);
      break;
  }
  Application now(path);
  REQUIRE(eventually([&] {
    const auto status = replicator.status(path);
    return status && status->ready && status->replicated_txid == status->local_txid;
  }));
  sync(replicator, path);
  bench.check_equal("a");
  now.insert();
  sync(replicator, path);
  bench.check_equal("a");
  auto snapshot = replicator.snapshot(path, within_seconds(30));
  REQUIRE(snapshot);
  bench.check_equal("a");
}

TEST_CASE("a page size changed by VACUUM while nobody looked starts the history over") {
  Bench bench;
  const std::string path = bench.path("a");
  auto app = std::make_unique<Application>(path);
  app->fill(30);
  Replicator replicator(Bench::options());
  start(replicator, bench.config("a"));
  sync(replicator, path);
  auto stopped = replicator.stop(path, within_seconds(30));
  REQUIRE(stopped);
  const int size = GENERATE(512, 65536);
  CAPTURE(size);
  app->run("PRAGMA journal_mode=delete; PRAGMA page_size=" + std::to_string(size) + "; VACUUM");
  app->run("PRAGMA journal_mode=wal");
  auto started = replicator.start(path, true, within_seconds(30));
  REQUIRE(started);
  for (int n = 0; n < 3; ++n) {
    app->update(n + 1);
    sync(replicator, path);
    bench.check_equal("a");
  }
}

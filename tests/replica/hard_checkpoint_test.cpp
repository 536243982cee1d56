// The checkpoint that takes the write lock: who else may have it, and what for.
#include <atomic>
#include <latch>
#include <thread>

#include "capture_fixture.hpp"

using namespace capture_fixture;
using namespace std::chrono_literals;

namespace {

struct Case {
  Fixture f;
  Application app{f.path};
  std::unique_ptr<Fixture::Daemon> daemon;

  Case() {
    app.run("CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB); " + kFill);
    daemon = f.daemon();
  }
  std::uint64_t frames() {
    capture(daemon->capture);
    return daemon->capture.wal_frames();
  }
};

// A checkpoint with the write lock, which asks again and again whether its readers have gone, for five seconds.
class Restart {
 public:
  explicit Restart(const std::string& path) : thread_([this, path] { run(path); }) { waits_.wait(); }
  bool done() {
    thread_.join();
    return code_ == SQLITE_OK;
  }

 private:
  static int wait(void* self, int) {
    auto& restart = *static_cast<Restart*>(self);
    if (!restart.waited_.exchange(true)) restart.waits_.count_down();
    std::this_thread::sleep_for(1ms);
    return std::chrono::steady_clock::now() < restart.limit_ ? 1 : 0;
  }
  void run(const std::string& path) {
    sqlite3* db = nullptr;
    code_ = sqlite3_open(path.c_str(), &db);
    sqlite3_busy_handler(db, wait, this);
    if (code_ == SQLITE_OK) code_ = sqlite3_exec(db, "SELECT count(*) FROM t", nullptr, nullptr, nullptr);
    if (code_ == SQLITE_OK) code_ = sqlite3_wal_checkpoint_v2(db, nullptr, SQLITE_CHECKPOINT_RESTART, nullptr, nullptr);
    sqlite3_close(db);
    if (!waited_.exchange(true)) waits_.count_down();
  }

  const std::chrono::steady_clock::time_point limit_ = std::chrono::steady_clock::now() + 5s;
  std::atomic<bool> waited_{false};
  std::latch waits_{1};
  int code_ = SQLITE_ERROR;
  std::thread thread_;
};

}  // namespace

TEST_CASE("after a hard checkpoint the next writer restarts the log") {
  Case c;
  const std::uint64_t before = c.frames();
  const auto done = c.daemon->capture.checkpoint_hard();
  INFO((done ? "" : done.error().message));
  REQUIRE(done);
  c.app.run("UPDATE t SET v = 'next' WHERE id = 3");
  CHECK(c.frames() < before);
  c.f.check_equal();
}

TEST_CASE("a hard checkpoint gives up when a writer keeps the lock, and loses nothing") {
  Case c;
  Application writer(c.f.path);
  writer.run("BEGIN IMMEDIATE; INSERT INTO t(v) VALUES ('slow')");
  const auto done = c.daemon->capture.checkpoint_hard();
  REQUIRE_FALSE(done);
  CHECK(done.error().code == Errc::busy);
  writer.run("COMMIT");
  capture(c.daemon->capture);
  c.f.check_equal();
  CHECK(c.daemon->capture.counters().anchors == 1);  // the first attach only
}

TEST_CASE("a checkpoint of the application that waits for us with the write lock is not waited for in vain") {
  Case c;
  capture(c.daemon->capture);
  c.app.run("UPDATE t SET v = 'behind the pin' WHERE id = 3");
  Restart restart(c.f.path);
  const auto done = c.daemon->capture.checkpoint_hard();
  CHECK(restart.done());
  INFO((done ? "" : done.error().message));
  CHECK(done);
  c.app.run("UPDATE t SET v = 'afterwards' WHERE id = 4");
  capture(c.daemon->capture);
  c.f.check_equal();
  CHECK(c.daemon->capture.counters().anchors == 1);
}

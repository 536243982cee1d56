// DatabaseStatus::at_work: whether something is being captured or uploaded right now.
#include <sqlite3.h>

#include <atomic>
#include <thread>

#include "replica/replicator.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

using namespace replica;

namespace {

// One database whose uploads wait until they are let go.
struct Held {
  Held() {
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
    CHECK(sqlite3_exec(db, "PRAGMA journal_mode=wal; CREATE TABLE t (x)", nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(db);
    auto plan = [this](std::string_view operation, std::string_view) -> std::optional<Fault> {
      if (operation != "put") return std::nullopt;
      uploading = true;
      uploading.notify_all();
      held.wait(true);
      return std::nullopt;
    };
    REQUIRE(replicator.add({.path = path, .backend = make_faulty_backend(make_memory_backend(), plan)}));
  }
  void let_go() {
    held = false;
    held.notify_all();
  }
  bool at_work() const { return replicator.status(path).value().at_work; }

  support::TempDir dir;
  std::string path = dir.path("a.db");
  std::atomic<bool> uploading{false}, held{true};
  Replicator replicator;
};

}  // namespace

TEST_CASE_METHOD(Held, "a database is at work while an upload is under way") {
  CHECK_FALSE(at_work());
  REQUIRE(replicator.start(path, true));
  uploading.wait(false);
  CHECK(at_work());
  CHECK(replicator.list().at(0).at_work);
  let_go();
  REQUIRE(replicator.stop(path));
  CHECK_FALSE(at_work());
}

TEST_CASE_METHOD(Held, "and while it is being closed") {
  REQUIRE(replicator.start(path, true));
  uploading.wait(false);
  bool stopped = false;
  std::jthread stopping([&] { stopped = replicator.stop(path).has_value(); });
  while (replicator.counts().open != 0) std::this_thread::yield();
  CHECK(at_work());
  let_go();
  stopping.join();
  CHECK(stopped);
  CHECK_FALSE(at_work());
}

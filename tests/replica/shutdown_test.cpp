// Replicator::stop_all(): the last chance of what is not uploaded yet.
#include <sqlite3.h>

#include <atomic>
#include <deque>
#include <functional>
#include <optional>
#include <thread>

#include "replica/replicator.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

using namespace replica;
using namespace std::chrono_literals;

namespace {

void write_database(const std::string& path) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
  CHECK(sqlite3_exec(db, "PRAGMA journal_mode=wal; CREATE TABLE IF NOT EXISTS t (x); INSERT INTO t VALUES (1)", nullptr,
                     nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(db);
}

// Databases with something that is not uploaded: since break_uploads() every upload fails, and since stop_all() those
// do that the test says.
class Fleet {
 public:
  explicit Fleet(std::chrono::milliseconds timeout, int threads = 4)
      : replicator({.shutdown_sync_timeout = timeout, .shutdown_sync_interval = 1ms, .threads = threads}) {}

  std::string path(const std::string& name) const { return dir_.path(name); }

  // `refuse` says whether the nth upload to this replica fails.
  void add(const std::string& name, Errc code, std::function<bool(int)> refuse) {
    write_database(path(name));
    auto plan = [this, code, refuse = std::move(refuse), &count = attempts.emplace_back(0)](std::string_view operation,
                                                                                            std::string_view) {
      const bool fails = operation == "put" && state_ != State::sound && (state_ == State::broken || refuse(++count));
      return fails ? std::optional(Fault{.error = {code, "refused", {}}}) : std::nullopt;
    };
    REQUIRE(replicator.add({.path = path(name), .backend = make_faulty_backend(make_memory_backend(), plan)}));
    REQUIRE(replicator.start(path(name), true));
    REQUIRE(replicator.sync(path(name), true));
  }

  void break_uploads() {
    state_ = State::broken;
    for (const DatabaseStatus& status : replicator.list()) write_database(status.path);
  }
  std::vector<std::pair<std::string, Error>> stop_all(const std::stop_source& abort = {}) {
    state_ = State::ending;
    return replicator.stop_all(Call{.stop = abort.get_token(), .deadline = {}});
  }
  bool uploaded(const std::string& name) const {
    const auto status = replicator.status(path(name));
    return status && status->state == DatabaseState::closed && status->local_txid == TxId{2} &&
           status->replicated_txid == TxId{2};
  }

 private:
  enum class State { sound, broken, ending };
  support::TempDir dir_;
  std::atomic<State> state_ = State::sound;

 public:
  std::deque<std::atomic<int>> attempts;  // since stop_all(), in the order of add()
  Replicator replicator;
};

bool always(int /*attempt*/) { return true; }

}  // namespace

TEST_CASE("at the end of the process every error is tried again, also those that look permanent") {
  for (const Errc code : {Errc::invalid_argument, Errc::permission_denied, Errc::not_found, Errc::io, Errc::no_space}) {
    CAPTURE(name(code));
    Fleet fleet(1h);
    fleet.add("app.db", code, [](int attempt) { return attempt < 4; });
    fleet.break_uploads();
    CHECK(fleet.stop_all().empty());
    CHECK(fleet.attempts[0] >= 4);
    CHECK(fleet.uploaded("app.db"));
  }
}

TEST_CASE("the timeout bounds the attempts, and the failure tells the last error") {
  Fleet fleet(500ms);
  fleet.add("app.db", Errc::permission_denied, always);
  fleet.break_uploads();
  const auto begin = std::chrono::steady_clock::now();
  const auto failures = fleet.stop_all();
  CHECK(std::chrono::steady_clock::now() - begin >= 500ms);
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].first == fleet.path("app.db"));
  CHECK(failures[0].second.code == Errc::permission_denied);
  CHECK(failures[0].second.message.starts_with("gave up after "));
  CHECK(failures[0].second.message.ends_with("refused"));
}

TEST_CASE("without patience there is one attempt, and it is made") {
  Fleet fleet(0ms, 1);
  fleet.add("broken.db", Errc::io, always);
  fleet.add("sound.db", Errc::io, [](int) { return false; });
  fleet.break_uploads();
  const auto failures = fleet.stop_all();
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].first == fleet.path("broken.db"));
  CHECK_FALSE(failures[0].second.message.starts_with("gave up"));
  CHECK(fleet.uploaded("sound.db"));
}

TEST_CASE("the caller may end the attempts, and still learns the error") {
  Fleet fleet(1h);
  std::stop_source abort;
  fleet.add("app.db", Errc::invalid_argument, [&](int attempt) {
    if (attempt == 3) abort.request_stop();
    return true;
  });
  fleet.break_uploads();
  const auto failures = fleet.stop_all(abort);
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].second.code == Errc::invalid_argument);
}

TEST_CASE("broken replicas do not use up the time of the sound ones") {
  // One thread, and the sound one comes last; the patience ends when a broken one is tried again.
  Fleet fleet(1h, 1);
  std::stop_source abort;
  fleet.add("a.db", Errc::io, [&](int attempt) {
    if (attempt == 2) abort.request_stop();
    return true;
  });
  fleet.add("b.db", Errc::io, always);
  fleet.add("z.db", Errc::io, [](int) { return false; });
  fleet.break_uploads();
  CHECK(fleet.stop_all(abort).size() == 2);
  CHECK(fleet.uploaded("z.db"));
}

TEST_CASE("a stop that is under way is waited for, and its failure counts") {
  Fleet fleet(1h);
  std::stop_source patience, abort;
  fleet.add("app.db", Errc::io, always);
  fleet.break_uploads();
  std::jthread stop([&] {
    const auto stopped = fleet.replicator.stop(fleet.path("app.db"), {.stop = patience.get_token(), .deadline = {}});
    CHECK_FALSE(stopped);
  });
  while (fleet.replicator.status(fleet.path("app.db"))->state == DatabaseState::open) std::this_thread::yield();
  std::vector<std::pair<std::string, Error>> failures;
  std::jthread all([&] { failures = fleet.stop_all(abort); });
  patience.request_stop();
  stop.join();
  abort.request_stop();
  all.join();
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].first == fleet.path("app.db"));
}

// A database that was replicated and let go of, and the runs of a daemon beside it.
#pragma once

#include <thread>

#include "engine_fixture.hpp"

namespace rest_fixture {

using namespace engine_fixture;
using namespace std::chrono_literals;

struct Scene {
  Fixture f;
  Application app{f.path};
  DatabaseConfig config = f.config();
  std::unique_ptr<engine::Database> database;
  io::Gate* gate = nullptr;

  Scene() {
    config.replica_url = "mem://store/db";
    app.fill(30);
  }
  void start() {
    database =
        std::make_unique<engine::Database>(config, f.options, engine::Environment{&f.clock, &null_logger(), gate});
  }
  void settle() {
    sync(*database);
    f.clock.pass(61s);  // a checkpoint is due
    sync(*database);
  }
  // Until the times of the files are old enough.
  void rest() {
    const auto end = std::chrono::steady_clock::now() + 60s;
    for (;;) {
      auto rested = database->rest({});
      INFO((rested ? "" : rested.error().message));
      REQUIRE(rested);
      if (*rested) break;
      REQUIRE(std::chrono::steady_clock::now() < end);
      std::this_thread::yield();
    }
  }
  void fall_asleep() {
    start();
    settle();
    rest();
    wait_for_level_zero();
  }
  // The mark says it all only once the directory of local files is old enough too: then again.
  void wait_for_level_zero() {
    const auto end = std::chrono::steady_clock::now() + 60s;
    while (!mark().rest) {
      REQUIRE(std::chrono::steady_clock::now() < end);
      REQUIRE(database->wake({}));
      rest();
    }
  }
  // So old that a write shows in their times.
  void wait_for_old_files() const {
    const auto end = std::chrono::steady_clock::now() + 60s;
    for (const std::string& path : {f.path, f.path + "-wal", f.meta + "/ltx/0"}) {
      for (;;) {
        const auto stamp = io::stamp_of(path);
        REQUIRE(stamp);
        if (!*stamp || io::is_settled(**stamp, io::file_clock())) break;
        REQUIRE(std::chrono::steady_clock::now() < end);
        std::this_thread::yield();
      }
    }
  }
  engine::WalMark mark() const {
    auto mark = engine::read_wal_mark(f.meta, nullptr);
    REQUIRE(mark);
    REQUIRE(*mark);
    return **mark;
  }
  bool stays() {
    auto rests = database->stay_at_rest({});
    INFO((rests ? "" : rests.error().message));
    REQUIRE(rests);
    return *rests;
  }
  bool stays_after_restart() {
    database.reset();
    start();
    return stays();
  }
  void check_in_step() {
    sync(*database);
    f.check_equal();
  }
};

}  // namespace rest_fixture

// The threads that run jobs: how many at once, which stand aside, and when they go. Threads and time are real here; the
// tests wait on conditions.
#include "replicator/worker_pool.hpp"

#include <latch>
#include <set>
#include <thread>

#include "support/catch.hpp"
#include "support/patience.hpp"

using namespace replica::replicator;
using namespace std::chrono_literals;
using support::eventually;

TEST_CASE("jobs that take long give up their places, and those of the same server stand aside") {
  Timer timer;
  WorkerPool pool(2, timer, 20ms);
  std::latch released(1);
  std::atomic<int> stuck = 0, most_stuck = 0, done = 0;
  const auto pace = std::make_shared<Pace>();
  for (int n = 0; n < 30; ++n) {
    pool.submit({.run =
                     [&] {
                       most_stuck = std::max(most_stuck.load(), ++stuck);
                       released.wait();
                       --stuck;
                     },
                 .pace = pace});
  }
  for (int n = 0; n < 100; ++n) pool.submit({.run = [&] { ++done; }});
  CHECK(eventually([&] { return done == 100; }));
  CHECK(most_stuck <= 4);
  CHECK(stuck >= 2);
  CHECK(pool.waiting() >= 26);
  released.count_down();
  CHECK(eventually([&] { return pool.waiting() == 0 && stuck == 0; }));
  pool.stop();
  timer.stop();
}

TEST_CASE("of jobs that mostly wait twice as many run at once") {
  Timer timer;
  WorkerPool pool(2, timer, 30s);
  std::latch first_released(1), second_released(1);
  std::atomic<int> running = 0, most = 0, others = 0;
  const auto until = [&](std::latch& released) {
    return [&] {
      most = std::max(most.load(), ++running);
      released.wait();
      --running;
    };
  };
  for (int n = 0; n < 10; ++n) pool.submit({.run = until(first_released), .waits = true});
  CHECK(eventually([&] { return running == 4; }));
  pool.submit({.run = [&] { ++others; }});
  CHECK(pool.waiting() == 7);
  first_released.count_down();
  CHECK(eventually([&] { return pool.waiting() == 0 && running == 0 && others == 1; }));
  CHECK(most == 4);

  for (int n = 0; n < 10; ++n) pool.submit({.run = until(second_released)});
  CHECK(eventually([&] { return running == 2 && pool.waiting() == 8; }));
  second_released.count_down();
  CHECK(eventually([&] { return pool.waiting() == 0 && running == 0; }));
  pool.stop();
  timer.stop();
}

TEST_CASE("threads that have nothing to do go when they are asked to, and others take their places") {
  Timer timer;
  WorkerPool pool(3, timer, 30s);
  std::mutex lock;
  std::set<const void*> alive;  // one piece for each thread, which goes with it
  struct Piece {
    std::mutex& lock;
    std::set<const void*>& alive;
    Piece(std::mutex& guarding, std::set<const void*>& all) : lock(guarding), alive(all) {
      const std::lock_guard guard(lock);
      alive.insert(this);
    }
    ~Piece() {
      const std::lock_guard guard(lock);
      alive.erase(this);
    }
  };
  const auto threads = [&] {
    const std::lock_guard guard(lock);
    return alive.size();
  };
  std::latch released(1);
  std::atomic<int> running = 0, done = 0;
  const auto mark = [&] { thread_local Piece piece(lock, alive); };
  const auto wait = [&] {
    mark();
    ++running;
    released.wait();
    --running;
  };
  // At once, so that each of so many threads has its piece.
  const auto run_together = [&](int jobs) {
    const int before = done;
    std::latch together(jobs);
    for (int n = 0; n < jobs; ++n)
      pool.submit({.run = [&] {
        mark();
        together.arrive_and_wait();
        ++done;
      }});
    REQUIRE(eventually([&] { return done == before + jobs; }));
    CHECK(threads() == 3);
  };
  run_together(3);
  pool.submit({.run = wait});
  REQUIRE(eventually([&] { return running == 1; }));
  REQUIRE(eventually([&] {  // the others are on their way to be idle, and soon are
    pool.let_idle_go();
    return threads() == 1;
  }));

  // A job may ask too; it stays itself.
  run_together(2);
  REQUIRE(eventually([&] {
    std::atomic<bool> asked = false;
    pool.submit({.run = [&] {
      mark();
      pool.let_idle_go();
      asked = true;
    }});
    return eventually([&] { return asked.load(); }) && threads() == 2;
  }));
  released.count_down();
  CHECK(eventually([&] { return running == 0; }));
  pool.stop();
  CHECK(threads() == 0);
  timer.stop();
}

TEST_CASE("no job is lost while threads go and come, and a pool can be stopped meanwhile") {
  constexpr int kJobs = 20'000;
  Timer timer;
  {
    WorkerPool pool(4, timer, 30s);
    std::atomic<int> done = 0;
    std::atomic<bool> enough = false;
    std::vector<std::jthread> askers;
    askers.reserve(2);
    for (int n = 0; n < 2; ++n)
      askers.emplace_back([&] {
        while (!enough) pool.let_idle_go();
      });
    for (int n = 0; n < kJobs; ++n) pool.submit({.run = [&] { ++done; }});
    CHECK(eventually([&] { return done == kJobs; }));
    enough = true;
  }
  for (int round = 0; round < 200; ++round) {
    WorkerPool pool(3, timer, 30s);
    std::atomic<bool> enough = false;
    std::jthread asker([&] {
      while (!enough) pool.let_idle_go();
    });
    for (int n = 0; n < 20; ++n) pool.submit({.run = [&] { pool.let_idle_go(); }});
    pool.stop();
    enough = true;
  }
  timer.stop();
}

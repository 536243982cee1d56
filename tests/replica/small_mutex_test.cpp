// Locks of a few bytes: they exclude, they keep to a time, and nobody who waits is forgotten.
#include "io/small_mutex.hpp"

#include <mutex>
#include <thread>
#include <vector>

#include "support/catch.hpp"

using namespace replica;
using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

namespace {

constexpr auto kLong = 60s;  // nothing here takes so long unless it is wrong

template <class Work>
void on_threads(int count, const Work& work) {
  std::vector<std::thread> threads;
  threads.reserve(static_cast<std::size_t>(count));
  for (int n = 0; n < count; ++n) threads.emplace_back(work, n);
  for (auto& one : threads) one.join();
}

}  // namespace

TEST_CASE("a lock of four bytes lets one thread in, whichever way it is taken") {
  static_assert(sizeof(io::SmallMutex) == 4);
  io::SmallMutex mutex;
  int counted = 0;  // guarded by mutex
  constexpr int kThreads = 4, kEach = 20'000;
  on_threads(kThreads, [&](int thread) {
    for (int n = 0; n < kEach; ++n) {
      std::unique_lock lock(mutex, std::defer_lock);
      if ((thread + n) % 3 == 0) {
        while (!lock.try_lock_for(50us)) {
        }
      } else if ((thread + n) % 3 == 1) {
        while (!lock.try_lock()) std::this_thread::yield();
      } else {
        lock.lock();
      }
      ++counted;
    }
  });
  CHECK(counted == kThreads * kEach);
  CHECK(mutex.try_lock());
}

TEST_CASE("who has no more patience goes without the lock, and others get it") {
  io::SmallMutex mutex;
  std::unique_lock held(mutex);
  std::thread other([&] {
    CHECK_FALSE(mutex.try_lock());
    const auto begin = Steady::now();
    CHECK_FALSE(mutex.try_lock_for(20ms));
    CHECK(Steady::now() - begin >= 20ms);
    CHECK_FALSE(mutex.try_lock_for(-1ms));
  });
  other.join();
  std::atomic<bool> asking{false};
  std::thread waiting([&] {
    asking = true;
    REQUIRE(mutex.try_lock_for(kLong));
    mutex.unlock();
  });
  while (!asking) std::this_thread::yield();
  held.unlock();
  waiting.join();
  CHECK(mutex.try_lock());
}

TEST_CASE("a condition wakes all who wait for it") {
  io::SmallMutex mutex;
  io::SmallCondition changed;
  static_assert(sizeof(changed) == 8);
  constexpr int kThreads = 4, kRounds = 3000;
  int round = 0, arrived = 0;  // guarded by mutex
  const auto begin = Steady::now();
  // Each waits for all others in each round: one call that is missed, and nobody goes on.
  on_threads(kThreads, [&](int) {
    for (int n = 0; n < kRounds; ++n) {
      std::unique_lock lock(mutex);
      if (++arrived == kThreads) {
        arrived = 0;
        ++round;
        lock.unlock();
        changed.notify_all();
      } else {
        changed.wait(lock, [&] { return round > n; });
      }
    }
  });
  CHECK(round == kRounds);
  CHECK(Steady::now() - begin < kLong);
}

TEST_CASE("waiting for a condition ends in time, with the lock held") {
  io::SmallMutex mutex;
  io::SmallCondition changed;
  std::unique_lock lock(mutex);
  const auto begin = Steady::now();
  while (Steady::now() - begin < 10ms) changed.wait_until(lock, begin + 10ms);
  while (Steady::now() - begin < 20ms) changed.wait_for(lock, 5ms);
  std::thread other([&] { CHECK_FALSE(mutex.try_lock()); });
  other.join();
}

// Callbacks at their times, kept where they are stored.
#include "replicator/timer.hpp"

#include <future>
#include <memory>
#include <random>

#include "base/inline_function.hpp"
#include "support/catch.hpp"

using namespace replica;
using replicator::Timer;

TEST_CASE("callbacks come in the order of their times, each with the time it was meant for") {
  constexpr int kCount = 5000;  // more than it has room for at all times
  Timer timer;
  std::vector<Timer::Time> order;  // by the timer's thread until `done`
  std::promise<void> done;
  std::vector<Timer::Time> times;
  times.reserve(kCount);
  const auto first = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
  for (int n = 0; n < kCount; ++n) times.push_back(first + std::chrono::microseconds(5) * n);
  auto mixed = times;
  std::shuffle(mixed.begin(), mixed.end(), std::mt19937(7));
  for (const auto when : mixed) timer.at(when, [&](Timer::Time meant) { order.push_back(meant); });
  timer.at(times.back() + std::chrono::milliseconds(1), [&](Timer::Time) { done.set_value(); });
  done.get_future().wait();
  CHECK(order == times);
}

TEST_CASE("a callback may ask for the next, and none runs after the end") {
  Timer timer;
  std::promise<void> second;
  timer.at({}, [&](Timer::Time) { timer.at({}, [&](Timer::Time) { second.set_value(); }); });
  second.get_future().wait();
  bool ran = false;
  timer.at(std::chrono::steady_clock::now() + std::chrono::hours(1), [&](Timer::Time) { ran = true; });
  timer.stop();
  timer.at({}, [&](Timer::Time) { ran = true; });
  CHECK_FALSE(ran);
}

TEST_CASE("what a callable holds is moved with it and destroyed once") {
  const auto token = std::make_shared<int>(0);
  using Function = base::InlineFunction<32, int>;
  {
    Function one([token](int by) { *token += by; });
    CHECK(token.use_count() == 2);
    Function two(std::move(one));
    two(3);
    Function three([](int) {});
    three = std::move(two);
    three(4);
    const auto other = std::make_shared<int>(0);
    three = Function([other](int by) { *other -= by; });
    three(1);
    CHECK(*other == -1);
    CHECK(other.use_count() == 2);
  }
  CHECK(*token == 7);
  CHECK(token.use_count() == 1);
}

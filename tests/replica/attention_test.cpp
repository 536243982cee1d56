#include "replicator/attention.hpp"

#include <set>

#include "support/catch.hpp"

using replica::replicator::Attention;
using namespace std::chrono_literals;

namespace {

constexpr replica::Clock::Steady kStart{1h};

// A look at that time, and whether it found something.
void look(Attention& attention, replica::Clock::Steady at, bool finds) {
  const bool announced = attention.look();
  if (finds) attention.found(announced, at);
}

}  // namespace

TEST_CASE("a quiet database is looked at less and less often, up to once a minute") {
  Attention attention;
  attention.begin(kStart);
  CHECK(attention.pause(1s, true, kStart) == 1s);
  CHECK(attention.pause(1s, true, kStart + 10s) == 5s);
  CHECK(attention.pause(1s, true, kStart + 1h) == 60s);
  CHECK(attention.pause(1s, false, kStart + 1h) == 1s);  // nothing would be told
  CHECK(attention.pause(2h, true, kStart + 1h) == 2h);   // never more often than asked for
  attention.heard(kStart + 1h);                          // a commit may still be under way
  CHECK(attention.pause(1s, true, kStart + 1h + 2s) == 1s);
}

TEST_CASE("a database whose changes come unannounced is polled") {
  Attention attention;
  attention.begin(kStart);
  auto now = kStart;
  for (int i = 0; i < Attention::kUnannounced; ++i) {
    CHECK_FALSE(attention.deaf());
    look(attention, now += 10s, true);
    look(attention, now += 10s, false);
  }
  CHECK(attention.deaf());
  CHECK(attention.pause(1s, true, now + 1h) == 1s);
  // An event that comes to nothing proves nothing; one that announces a change does.
  attention.heard(now);
  look(attention, now += 1s, false);
  CHECK(attention.deaf());
  attention.heard(now);
  look(attention, now += 1s, true);
  CHECK_FALSE(attention.deaf());
}

TEST_CASE("an event that comes a moment after the poll found its change does not make it deaf") {
  Attention attention;
  attention.begin(kStart);
  auto now = kStart;
  for (int i = 0; i < 10; ++i) {
    look(attention, now += 1s, true);  // before the event
    attention.heard(now);
    look(attention, now += 1ms, false);
    attention.heard(now);
    look(attention, now += 1s, true);
    CHECK_FALSE(attention.deaf());
  }
}

TEST_CASE("looks that are seldom are made together, others when they are due") {
  std::set<replica::Clock::Steady> ticks;
  for (int n = 0; n < 2'000; n += 7) {
    const auto now = kStart + std::chrono::milliseconds(n);
    CHECK(Attention::together(now, 3'999ms, 1'000ms, false) == now + 3'999ms);
    const auto seldom = Attention::together(now, 60'000ms, 1'000ms, false);
    CHECK(seldom > now + 60'000ms);
    CHECK(seldom <= now + 62'000ms);
    ticks.insert(seldom);
    // A database that is polled each ten seconds is.
    CHECK(Attention::together(now, 10'000ms, 10'000ms, false) == now + 10'000ms);
    CHECK(Attention::together(now, 30'000ms, 10'000ms, false) > now + 30'000ms);
  }
  CHECK(ticks.size() == 1);
  CHECK(Attention::together(kStart + 1ms, 100ms, 1'000ms, true) == kStart + 2'000ms);
}

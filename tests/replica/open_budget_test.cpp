// Who is open of more databases than may be.
#include "replicator/open_budget.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <random>

#include "support/catch.hpp"

using replica::replicator::OpenBudget;
using Who = OpenBudget::Who;
using Answer = OpenBudget::Answer;
using namespace std::chrono_literals;

namespace {

const OpenBudget::Time kStart{std::chrono::hours(1)};

// Databases are the elements of an array.
struct Scene {
  explicit Scene(std::size_t limit) : budget(limit) {}
  OpenBudget::Id id(std::size_t number) const { return &databases[number]; }
  bool opened(std::size_t number, Who who = Who::lane) { return places[number] = budget.enter(id(number), who, now); }
  void leave(std::size_t number, bool open = true, bool light = false) {
    budget.leave(id(number), places[number], light, open, now);
  }
  void open(std::size_t number) {
    REQUIRE(opened(number));
    leave(number);
  }
  std::optional<std::size_t> victim(bool at_any_rate = false) {
    const auto found = budget.victim(now);
    if (!found) return std::nullopt;
    last = found;
    CHECK(last->at_any_rate == at_any_rate);
    return static_cast<std::size_t>(static_cast<const int*>(last->id) - databases.data());
  }
  void answer(Answer answer) { budget.answered(*last, answer, now); }

  std::array<int, 50> databases{};
  std::array<std::uint64_t, 50> places{};
  OpenBudget budget;
  OpenBudget::Time now = kStart;
  std::optional<OpenBudget::Victim> last{};
};

}  // namespace

TEST_CASE("the one that was quiet for longest goes, and its place to the first in line") {
  Scene s(3);  // two for lanes
  s.open(0);
  s.now += 10ms;
  s.open(1);
  s.budget.changed(s.id(0), s.now);
  CHECK_FALSE(s.opened(2));
  CHECK_FALSE(s.opened(3));
  REQUIRE(s.victim() == 1U);
  CHECK_FALSE(s.victim());  // the other one is busy
  s.answer(Answer::gone);
  CHECK(s.budget.grant() == std::vector{s.id(2)});
  CHECK(s.opened(2));
  CHECK_FALSE(s.victim());
  s.now += OpenBudget::kQuiet + 1ms;
  REQUIRE(s.victim() == 0U);
  s.answer(Answer::gone);
  CHECK(s.budget.grant() == std::vector{s.id(3)});
}

TEST_CASE("who is at work is not let go of") {
  Scene s(1);
  REQUIRE(s.opened(0));
  CHECK_FALSE(s.opened(1));
  s.now += 1h;
  CHECK_FALSE(s.victim());
  CHECK_FALSE(s.budget.next_try());
  REQUIRE(s.budget.enter_again(s.id(0)));  // a second lane of it
  s.leave(0);
  CHECK_FALSE(s.victim());
  s.leave(0);
  CHECK(s.victim() == 0U);
}

TEST_CASE("who gets along without it does not keep a database open for ever") {
  Scene s(1);
  REQUIRE(s.opened(0));
  CHECK_FALSE(s.opened(1));
  s.now += OpenBudget::kTurn;
  CHECK_FALSE(s.victim());
  s.budget.lighten(s.id(0), s.places[0]);
  REQUIRE(s.victim(true) == 0U);
  s.answer(Answer::gone);
  CHECK(s.budget.grant() == std::vector{s.id(1)});
  REQUIRE(s.opened(1));
  s.leave(1, false);
  const auto first = s.places[0];
  REQUIRE(s.opened(0));
  s.budget.leave(s.id(0), first, true, true, s.now);  // of the place that it had before
  CHECK_FALSE(s.opened(1));
  s.now += OpenBudget::kTurn;
  CHECK_FALSE(s.victim());
  s.leave(0);
  CHECK(s.victim() == 0U);
}

TEST_CASE("a busy database keeps its place until its turn is over") {
  Scene s(1);
  s.open(0);
  CHECK_FALSE(s.opened(1));
  for (auto spent = 0ms; spent < OpenBudget::kTurn; spent += 100ms) {
    s.budget.changed(s.id(0), s.now);
    CHECK_FALSE(s.victim());
    s.now += 100ms;
  }
  CHECK(s.budget.next_try() == s.now);
  CHECK(s.victim(true) == 0U);
}

TEST_CASE("a busy database is let go of at once for a call, and a place is kept for one") {
  Scene s(3);
  s.open(0);
  s.open(1);
  CHECK_FALSE(s.opened(4));
  CHECK(s.opened(2, Who::call));
  CHECK(s.budget.taken() == 3);
  s.budget.changed(s.id(0), s.now);
  s.budget.changed(s.id(1), s.now);
  CHECK_FALSE(s.victim());
  CHECK_FALSE(s.opened(3, Who::call));
  CHECK(s.budget.next_try() <= s.now);
  REQUIRE(s.victim(true));
  s.answer(Answer::gone);
  CHECK(s.budget.grant() == std::vector{s.id(3)});  // before the lane, which came first
}

TEST_CASE("a lane that stands in line goes ahead when a call wants its database") {
  Scene s(1);
  REQUIRE(s.opened(0));
  CHECK_FALSE(s.opened(1));
  CHECK_FALSE(s.opened(2));
  CHECK_FALSE(s.opened(2, Who::call));
  CHECK(s.budget.waiting() == 2);
  s.leave(0, false);  // it did not open it
  CHECK(s.budget.grant() == std::vector{s.id(2)});
  CHECK_FALSE(s.opened(3));
  CHECK_FALSE(s.opened(1));
  CHECK(s.opened(2));
}

TEST_CASE("one that cannot go is asked again later, and at any rate when its turn is over") {
  Scene s(1);
  s.open(0);
  CHECK_FALSE(s.opened(1));
  REQUIRE(s.victim() == 0U);
  s.answer(Answer::not_now);
  CHECK_FALSE(s.victim());
  CHECK(s.budget.next_try() == s.now + OpenBudget::kAgain);
  s.now += OpenBudget::kAgain;
  REQUIRE(s.victim() == 0U);
  s.now = kStart + OpenBudget::kTurn;
  s.answer(Answer::not_now);
  REQUIRE(s.victim(true) == 0U);
  s.answer(Answer::not_now);
  CHECK_FALSE(s.victim());
  s.now += OpenBudget::kAgain;
  CHECK(s.victim() == 0U);
}

TEST_CASE("one that goes soon is waited for, and no other asked instead") {
  Scene s(3);
  s.open(0);
  s.open(1);
  CHECK_FALSE(s.opened(2));
  REQUIRE(s.victim());
  s.answer(Answer::soon);
  CHECK_FALSE(s.victim());
  CHECK(s.budget.next_try() == s.now + OpenBudget::kAgain);
  s.now += OpenBudget::kAgain;
  CHECK(s.victim());
}

TEST_CASE("who withdraws leaves the line, and gives back what it was promised") {
  Scene s(1);
  s.open(0);
  CHECK_FALSE(s.opened(1));
  CHECK_FALSE(s.opened(2));
  s.budget.withdraw(s.id(1));
  s.budget.withdraw(s.id(0));  // which is open: nothing happens
  REQUIRE(s.victim() == 0U);
  s.answer(Answer::gone);
  CHECK(s.budget.grant() == std::vector{s.id(2)});
  s.budget.withdraw(s.id(2));
  CHECK(s.budget.taken() == 0);
  CHECK_FALSE(s.budget.knows(s.id(2)));
  CHECK(s.opened(1));
}

TEST_CASE("one that was closed gives up its place") {
  Scene s(1);
  s.open(0);
  s.budget.settle(s.id(0), true);
  CHECK(s.budget.taken() == 1);
  s.budget.settle(s.id(0), false);
  CHECK(s.budget.taken() == 0);
}

// All of them busy all the time: each has its turn, in time bounded by their number.
TEST_CASE("what came before anybody stood in line counts, also when it was so for a second time") {
  Scene s(5);  // four for lanes
  for (const bool again : {false, true}) {
    CAPTURE(again);
    for (const std::size_t number :
         again ? std::array<std::size_t, 4>{3, 1, 0, 2} : std::array<std::size_t, 4>{2, 0, 3, 1}) {
      s.open(number);
      s.now += 10ms;
    }
    s.budget.changed(s.id(again ? 3 : 2), s.now);
    REQUIRE(s.opened(again ? 1 : 0));
    s.leave(again ? 1 : 0, true);
    s.now += OpenBudget::kQuiet;
    CHECK_FALSE(s.opened(4));
    REQUIRE(s.victim() == (again ? 1U : 0U));
    s.answer(Answer::gone);
    REQUIRE(s.budget.grant() == std::vector{s.id(4)});
    REQUIRE(s.opened(4));
    s.leave(4, false);
    // Those that are left go without having been asked to: nobody stands in line, and most places are free.
    for (std::size_t number = 0; number < 4; ++number) s.budget.settle(s.id(number), false);
    CHECK(s.budget.taken() == 0);
    CHECK_FALSE(s.victim());
    CHECK_FALSE(s.budget.next_try());
  }
}

TEST_CASE("nobody starves, and the budget holds") {
  constexpr std::size_t kDatabases = 40, kLimit = 8;
  std::mt19937_64 random(7);
  Scene s(kLimit);
  std::vector<OpenBudget::Time> last(kDatabases, kStart);
  std::set<std::size_t> open;
  auto longest = 0ms;
  const auto enter = [&](std::size_t n) {
    if (!s.opened(n)) return;
    if (open.insert(n).second)
      longest = std::max(longest, std::chrono::duration_cast<std::chrono::milliseconds>(s.now - last[n]));
    last[n] = s.now;
    s.budget.changed(s.id(n), s.now);
    s.leave(n);
  };
  for (; s.now < kStart + 300s; s.now += 20ms) {
    enter(random() % kDatabases);
    enter(random() % kDatabases);
    while (const auto victim = s.budget.victim(s.now)) {
      const auto n = static_cast<std::size_t>(static_cast<const int*>(victim->id) - s.databases.data());
      const bool gone = random() % 4 != 0;
      if (gone) open.erase(n);
      s.budget.answered(*victim, gone ? Answer::gone : Answer::not_now, s.now);
      for (const auto id : s.budget.grant())
        enter(static_cast<std::size_t>(static_cast<const int*>(id) - s.databases.data()));
    }
    REQUIRE(s.budget.taken() <= kLimit);
    REQUIRE(open.size() <= kLimit);
  }
  for (std::size_t n = 0; n < kDatabases; ++n) CHECK(s.now - last[n] < 20s);
  CHECK(longest < 20s);
}

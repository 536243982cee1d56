#include "replicator/turns.hpp"

#include "support/catch.hpp"

using namespace replica;
using namespace std::chrono_literals;

TEST_CASE("who comes late comes one after the other") {
  replicator::Turns turns;
  const Clock::Steady now{std::chrono::hours(1)};
  CHECK(turns.next(now) == now);
  CHECK(turns.next(now) == now + replicator::Turns::kStep);
  CHECK(turns.next(now + 10ms) == now + 2 * replicator::Turns::kStep);
  CHECK(turns.next(now + 1h) == now + 1h);
}

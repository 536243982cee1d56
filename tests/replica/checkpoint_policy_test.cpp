#include "engine/checkpoint_policy.hpp"

#include "support/catch.hpp"

using namespace std::chrono_literals;
using replica::engine::checkpoint_need;
using replica::engine::CheckpointNeed;
using replica::engine::CheckpointPolicy;
using replica::engine::CheckpointSituation;
using replica::engine::grown_in;
using replica::engine::Looks;
using replica::engine::looks_for;

TEST_CASE("when to checkpoint") {
  struct Row {
    const char* what;
    CheckpointSituation now;
    CheckpointNeed need;
  };
  const CheckpointPolicy policy{.easy_frames = 1000, .hard_frames = 5000, .interval = 60s};
  const Row rows[] = {
      {"nothing since the last one", {.wal_frames = 9000, .since_last = 1h}, CheckpointNeed::none},
      {"a few frames", {.wal_frames = 999, .frames_since = 1}, CheckpointNeed::none},
      {"the WAL is long", {.wal_frames = 1000, .frames_since = 1}, CheckpointNeed::easy},
      {"the time has come", {.wal_frames = 1, .frames_since = 1, .since_last = 60s}, CheckpointNeed::easy},
      {"the WAL has outgrown its limit", {.wal_frames = 5000, .frames_since = 1}, CheckpointNeed::hard},
      {"writers left no gap", {.wal_frames = 2499, .frames_since = 1, .missed_frames = 2000}, CheckpointNeed::none},
      {"that was a while ago",
       {.wal_frames = 2000, .frames_since = 1, .missed_frames = 2000, .since_missed = 10s},
       CheckpointNeed::easy},
      {"it has grown since", {.wal_frames = 2500, .frames_since = 1, .missed_frames = 2000}, CheckpointNeed::easy},
      {"that was another log", {.wal_frames = 1999, .frames_since = 1, .missed_frames = 2000}, CheckpointNeed::easy},
      {"no gap, but the limit", {.wal_frames = 5000, .frames_since = 1, .missed_frames = 4999}, CheckpointNeed::hard},
  };
  for (const Row& row : rows) {
    INFO(row.what);
    CHECK(checkpoint_need(policy, row.now) == row.need);
  }
  const CheckpointPolicy by_size_only{.easy_frames = 1000, .hard_frames = 0, .interval = 0ms};
  CHECK(checkpoint_need(by_size_only, {.wal_frames = 1, .frames_since = 1, .since_last = 24h}) == CheckpointNeed::none);
  CHECK(checkpoint_need(by_size_only, {.wal_frames = 1'000'000, .frames_since = 1}) == CheckpointNeed::easy);
}

TEST_CASE("when a log will be long") {
  CHECK(grown_in(0, 800, {1600, 1s}) == 500ms);
  CHECK(grown_in(400, 800, {1600, 1s}) == 250ms);
  CHECK(grown_in(0, 800, {1, 1s}) == 800s);
  CHECK(grown_in(799, 800, {10'000'000, 1s}) == 0ms);
  CHECK(grown_in(800, 800, {1600, 1s}) == std::nullopt);  // it is
  CHECK(grown_in(0, 800, {0, 1s}) == std::nullopt);
  CHECK(grown_in(0, 800, {1600, 0ms}) == std::nullopt);
}

TEST_CASE("how often to look while nobody pins the log") {
  const Looks often = looks_for({}), seldom = looks_for({1000, 10s});
  CHECK(often.pause == 200us);
  CHECK(looks_for({1000, 20ms}).pause == 200us);  // as fast as a log gets
  CHECK(looks_for({2000, 200ms}).pause == 1000us);
  CHECK(seldom.pause == 5ms);
  CHECK(seldom.pause * seldom.count == often.pause * often.count);
}

TEST_CASE("attempts in vain to checkpoint between commits become rare, and common again when one helps") {
  replica::engine::GapTries tries;
  const auto left_out = [&] {
    int times = 0;
    while (!tries.due()) ++times;
    return times;
  };
  CHECK(left_out() == 0);
  for (const int expected : {1, 3, 7, 15, 31, 63, 63}) {
    tries.tried(false);
    CHECK(left_out() == expected);
  }
  tries.tried(true);
  CHECK(left_out() == 0);
  CHECK(left_out() == 0);
}

// When to checkpoint: a function of values, so that it can be tested as a table. Engine spec §3.7 for the settings.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

namespace replica::engine {

struct CheckpointPolicy {
  std::uint64_t easy_frames = 1000;            // try the easy way from here
  std::uint64_t hard_frames = 121'359;         // take the write lock from here; 0 = never
  std::chrono::milliseconds interval{60'000};  // try the easy way after this long; 0 = never by time
};

struct CheckpointSituation {
  std::uint64_t wal_frames = 0;             // in the current generation
  std::uint64_t frames_since = 0;           // captured since the last complete checkpoint
  std::chrono::milliseconds since_last{0};  // since the last complete one, or since attaching
  // The last time writers left no gap for it: how long the log was (0 = they have left one since), and how long ago.
  std::uint64_t missed_frames = 0;
  std::chrono::milliseconds since_missed{0};
};

// Writers that left no gap are likely to leave none now. So the log grows by a quarter before the next try, or some
// time passes; a shorter log is another one.
constexpr bool missed_lately(const CheckpointSituation& now) noexcept {
  constexpr std::chrono::seconds kLately{10};
  return now.missed_frames != 0 && now.wal_frames >= now.missed_frames &&
         now.wal_frames - now.missed_frames < now.missed_frames / 4 && now.since_missed < kLately;
}

enum class CheckpointNeed { none, easy, hard };  // hard = easy first, and the hard way if that was not enough

constexpr CheckpointNeed checkpoint_need(const CheckpointPolicy& policy, const CheckpointSituation& now) noexcept {
  if (now.frames_since == 0) return CheckpointNeed::none;
  if (policy.hard_frames != 0 && now.wal_frames >= policy.hard_frames) return CheckpointNeed::hard;
  if (missed_lately(now)) return CheckpointNeed::none;
  if (now.wal_frames >= policy.easy_frames) return CheckpointNeed::easy;
  const bool due = policy.interval.count() > 0 && now.since_last >= policy.interval;
  return due ? CheckpointNeed::easy : CheckpointNeed::none;
}

// From how many frames in the log on applications checkpoint at every commit, unless they say otherwise.
inline constexpr std::uint64_t kAutocheckpointFrames = 1000;

// How long a log may get whose writers leave no gap. Of each generation two commits are slow: the application's own
// checkpoint is part of one, and the next begins the log anew. At 1,000 frames that is one in a hundred of those that
// write five pages; so we step aside for every other checkpoint only.
inline constexpr std::uint64_t kFramesWithoutGaps = 2 * kAutocheckpointFrames;

// Whether to try again to checkpoint between two commits of others. After an attempt in vain the next one is left out,
// then three, seven … sixty-three.
class GapTries {
 public:
  bool due() noexcept {
    if (left_ == 0) return true;
    --left_;
    return false;
  }
  void tried(bool helped) noexcept { left_ = pause_ = helped ? 0 : std::min(2 * pause_ + 1, 63); }
  bool in_vain() const noexcept { return pause_ > 0; }  // the last time

 private:
  int pause_ = 0, left_ = 0;
};

// How fast a log grows.
struct Growth {
  std::uint64_t frames = 0;
  std::chrono::milliseconds elapsed{0};
};

// When a log of `now` frames will have `wanted`. nullopt = it is that long already, or does not grow.
constexpr std::optional<std::chrono::milliseconds> grown_in(std::uint64_t now, std::uint64_t wanted,
                                                            Growth growth) noexcept {
  if (now >= wanted || growth.frames == 0 || growth.elapsed.count() <= 0) return std::nullopt;
  const auto missing = static_cast<std::int64_t>(wanted - now);
  return std::chrono::milliseconds(missing * growth.elapsed.count() / static_cast<std::int64_t>(growth.frames));
}

// How often to look at the log while we have stepped aside: an application that fills 1,000 frames in half a second
// need not be looked at as often as one that takes a twentieth. The whole wait is the same.
struct Looks {
  std::chrono::microseconds pause{200};
  int count = 300;
};
constexpr Looks looks_for(Growth growth) noexcept {
  constexpr Looks kOften;
  if (growth.frames == 0) return kOften;
  const std::chrono::microseconds thousand =
      std::chrono::microseconds(growth.elapsed) * 1000 / static_cast<std::int64_t>(growth.frames);
  // Not less often than each 5 ms: in that time nobody writes a log of 1,000 frames anew.
  const int times = static_cast<int>(std::clamp<std::int64_t>(thousand / 100 / kOften.pause, 1, 25));
  return {kOften.pause * times, kOften.count / times};
}

}  // namespace replica::engine

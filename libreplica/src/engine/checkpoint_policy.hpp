// When to checkpoint: a function of values, so that it can be tested as a table. Engine spec §3.7 for the settings.
#pragma once

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
};

enum class CheckpointNeed { none, easy, hard };  // hard = easy first, and the hard way if that was not enough

constexpr CheckpointNeed checkpoint_need(const CheckpointPolicy& policy, const CheckpointSituation& now) noexcept {
  if (now.frames_since == 0) return CheckpointNeed::none;
  if (policy.hard_frames != 0 && now.wal_frames >= policy.hard_frames) return CheckpointNeed::hard;
  if (now.wal_frames >= policy.easy_frames) return CheckpointNeed::easy;
  const bool due = policy.interval.count() > 0 && now.since_last >= policy.interval;
  return due ? CheckpointNeed::easy : CheckpointNeed::none;
}

// When the log will be so long that applications begin to checkpoint at every commit (1,000 frames, unless they say
// otherwise) minus some: after the `since` frames it has, at the speed of `frames` in `elapsed`. nullopt = it is that
// long already, or does not grow.
constexpr std::optional<std::chrono::milliseconds> grown_in(std::uint64_t since, std::uint64_t frames,
                                                            std::chrono::milliseconds elapsed) noexcept {
  constexpr std::uint64_t kLong = 800;
  if (since >= kLong || frames == 0 || elapsed.count() <= 0) return std::nullopt;
  const auto missing = static_cast<std::int64_t>(kLong - since);
  return std::chrono::milliseconds(missing * elapsed.count() / static_cast<std::int64_t>(frames));
}

}  // namespace replica::engine

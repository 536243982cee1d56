// One database in the Replicator: its state, and its lanes of work with their due times.
#pragma once

#include <algorithm>
#include <array>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string_view>

#include "engine/database.hpp"

namespace replica::replicator {

// tend: between two captures of a busy database.
enum class Lane { capture, ship, maintain, tend };
inline constexpr std::size_t kLanes = 4;

struct LaneState {
  std::optional<Clock::Steady> due;  // when it wants to run next
  bool running = false;
  int failures = 0;                           // in a row, for backing off
  std::optional<Errc> told{};                 // code of the `error` event of this row
  std::optional<Clock::Steady> not_before{};  // the end of the pause after a failure
};

enum class Phase { closed, open, closing };

// All but `database` is guarded by `lock`. Work on the database itself is done without it.
struct Entry {
  Entry(DatabaseConfig config, const ReplicatorOptions& options, engine::Environment environment)
      : database(std::move(config), options, environment) {}

  LaneState& lane(Lane which) { return lanes[static_cast<std::size_t>(which)]; }
  bool idle() const {
    return std::none_of(lanes.begin(), lanes.end(), [](const LaneState& lane) { return lane.running; });
  }

  engine::Database database;
  std::mutex lock;
  std::condition_variable changed;  // phase, a lane that ended, or an attach
  Phase phase = Phase::closed;
  std::array<LaneState, kLanes> lanes;
  std::stop_source stop;
  std::optional<Clock::Steady> last_change;  // when something was last captured
  std::optional<Clock::Steady> last_upload;
  int syncs = 0;    // calls of sync() under way
  int glances = 0;  // looks since the last event that found nothing yet
  bool watched = false;
  bool muted = false;                // watched, but not as long as it is busy
  std::optional<Error> start_error;  // why it is not attached yet
  // Runs of the capture lane: how many began, the number of the last one that succeeded, and the position behind it.
  std::uint64_t captures_begun = 0, captures_done = 0;
  TxId captured;
  bool lagging = false;    // told so
  bool lag_check = false;  // the timer will look
};

// A writer's last event comes before its commit shows in the wal-index (it syncs in between): look again 1, 2, 4 … ms
// later.
inline constexpr int kGlances = 9;

// The shortest time between two captures that find something, from start to start.
inline std::chrono::milliseconds spacing(const DatabaseConfig& config) {
  return std::min(config.sync_interval, std::max(config.monitor_interval, std::chrono::milliseconds(1)));
}

// 1 s, 2 s, 4 s … 30 s.
constexpr std::chrono::milliseconds backoff(int failures) noexcept {
  const int doublings = failures < 1 ? 0 : failures - 1;
  return doublings >= 5 ? std::chrono::milliseconds(30'000) : std::chrono::milliseconds(1000 << doublings);
}

// Cut short by up to a quarter, by each database by another part: those that failed together do not come back together.
inline std::chrono::milliseconds backoff(int failures, std::string_view path) noexcept {
  const auto whole = backoff(failures);
  const auto part =
      static_cast<std::int64_t>((std::hash<std::string_view>()(path) + static_cast<unsigned>(failures)) % 97);
  return whole - whole / 4 * part / 96;
}

}  // namespace replica::replicator

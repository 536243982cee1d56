// One database in the Replicator: its state, and its lanes of work with their due times.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string_view>
#include <vector>

#include "base/maybe_time.hpp"
#include "engine/database.hpp"
#include "io/small_mutex.hpp"
#include "replicator/attention.hpp"
#include "replicator/worker_pool.hpp"

namespace replica::replicator {

// tend: between two captures of a busy database. Ship and maintain are lanes of each destination.
enum class Lane : std::uint8_t { capture, tend, ship, maintain };

struct LaneId {
  LaneId(Lane which, std::size_t number = 0)
      : lane(which), destination(static_cast<std::uint32_t>(number)) {}  // a Lane alone is a LaneId
  Lane lane;
  std::uint32_t destination;  // whose lane it is, for ship and maintain
};

struct LaneState {
  base::MaybeTime due;           // when it wants to run next
  base::MaybeTime timer{};       // when the timer looks at it, the first time if more than once
  base::MaybeTime not_before{};  // the end of the pause after a failure
  int failures = 0;              // in a row, for backing off
  std::optional<Errc> told{};    // code of the `error` event of this row
  bool running = false;
};

// One destination of an entry.
struct DestinationLanes {
  LaneState ship, maintain;
  base::MaybeTime last_upload;
  bool lagging = false;    // told so
  bool lag_check = false;  // the timer will look
  std::shared_ptr<Pace> pace;
};

enum class Phase { closed, open, closing };

// All but `database` is guarded by `lock`. Work on the database itself is done without it.
struct Entry {
  Entry(const DatabaseConfig& config, const ReplicatorOptions& options, const engine::Environment& environment)
      : database(config, options, &environment), destinations(database.destinations()) {}

  LaneState& lane(LaneId id) {
    switch (id.lane) {
      case Lane::capture:
        return capture;
      case Lane::tend:
        return tend;
      case Lane::ship:
        return destinations[id.destination].ship;
      case Lane::maintain:
        break;
    }
    return destinations[id.destination].maintain;
  }
  std::vector<LaneId> all_lanes() const {
    std::vector<LaneId> all{Lane::capture, Lane::tend};
    for (std::size_t n = 0; n < destinations.size(); ++n) {
      all.emplace_back(Lane::ship, n);
      all.emplace_back(Lane::maintain, n);
    }
    return all;
  }
  bool idle() const {
    const auto at_work = [](const DestinationLanes& one) { return one.ship.running || one.maintain.running; };
    return !capture.running && !tend.running && std::none_of(destinations.begin(), destinations.end(), at_work);
  }
  bool shipping() const {
    return std::any_of(destinations.begin(), destinations.end(), [](const auto& one) { return one.ship.running; });
  }

  engine::Database database;
  io::SmallMutex lock;
  Phase phase = Phase::closed;
  io::SmallCondition changed;  // phase, a lane that ended, or an attach
  LaneState capture, tend;
  std::vector<DestinationLanes> destinations;
  std::stop_source stop{std::nostopstate};  // of the lanes that run, while one does
  base::MaybeTime last_change;              // when something was last captured
  Attention attention;
  int syncs = 0;    // calls of sync() under way
  int glances = 0;  // looks since the last event that found nothing yet
  bool watched = false;
  bool polled = false;                 // there may be no more watches
  bool muted = false;                  // watched, but not as long as it is busy
  std::unique_ptr<Error> start_error;  // why it is not attached yet
  // Runs of the capture lane: how many began, the number of the last one that succeeded, and the position behind it.
  std::uint64_t captures_begun = 0, captures_done = 0;
  TxId captured;
};

// What is to go up lies in the store of the database, which has to be open.
inline bool lacks_something(const engine::Database& database, std::size_t destination) {
  return database.destination(destination).replicated() < database.captured() || database.is_aside();
}

// A writer's last event comes before its commit shows in the wal-index (it syncs in between): look again 1, 2, 4 … ms
// later.
inline constexpr int kGlances = 9;

// The shortest time between two captures that find something, from start to start.
inline std::chrono::milliseconds spacing(const engine::Settings& config) {
  return std::min(config->sync_interval, std::max(config->monitor_interval, std::chrono::milliseconds(1)));
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

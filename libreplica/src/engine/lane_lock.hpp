// Taking a lane's lock with the patience of a Call.
#pragma once

#include <chrono>
#include <mutex>

#include "io/small_mutex.hpp"
#include "replica/clock.hpp"

namespace replica::engine {

inline Result<std::unique_lock<io::SmallMutex>> lock_lane(io::SmallMutex& mutex, const Call& call,
                                                          std::string_view what) {
  std::unique_lock lock(mutex, std::defer_lock);
  // In slices, because a stop request does not wake a waiting lock.
  constexpr std::chrono::milliseconds kSlice{50};
  while (!lock.try_lock_for(kSlice)) {
    if (auto r = call.check(what); !r) return pass(r);
  }
  return lock;
}

}  // namespace replica::engine

// Waiting for what other threads bring about.
#pragma once

#include <chrono>
#include <thread>

#include "replica/clock.hpp"

namespace support {

inline replica::Call within(std::chrono::milliseconds time) {
  return {.stop = {}, .deadline = std::chrono::steady_clock::now() + time};
}

// False when the condition does not hold for a minute.
template <class Condition>
bool eventually(const Condition& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace support

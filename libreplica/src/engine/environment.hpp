// What an engine needs of the world around it.
#pragma once

#include "io/gate.hpp"
#include "replica/clock.hpp"
#include "replica/events.hpp"
#include "replica/log.hpp"

namespace replica::engine {

// All outlive the engine. `gate` is nullptr outside tests, `events` where nobody follows them.
struct Environment {
  const Clock* clock = nullptr;
  Logger* logger = nullptr;
  io::Gate* gate = nullptr;
  EventBus* events = nullptr;

  void publish(Event event) const {
    if (events != nullptr) events->publish(std::move(event));
  }
};

}  // namespace replica::engine

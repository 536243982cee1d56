// What an engine needs of the world around it.
#pragma once

#include <atomic>
#include <memory_resource>

#include "engine/helpers.hpp"
#include "io/gate.hpp"
#include "replica/clock.hpp"
#include "replica/events.hpp"
#include "replica/log.hpp"

namespace replica::engine {

struct SharedSettings;

// All outlive the engine. `gate` is nullptr outside tests, `events` where nobody follows them, `helpers` where a step
// is to have one thread only.
struct Environment {
  const Clock* clock = nullptr;
  Logger* logger = nullptr;
  io::Gate* gate = nullptr;
  EventBus* events = nullptr;
  Helpers* helpers = nullptr;
  std::atomic<std::size_t>* held = nullptr;                               // counts the databases that hold descriptors
  std::pmr::memory_resource* lasting = std::pmr::get_default_resource();  // see LastingMemory
  SharedSettings* settings = nullptr;                                     // nullptr: each has its own

  void publish(Event event) const {
    if (events != nullptr) events->publish(std::move(event));
  }
};

}  // namespace replica::engine

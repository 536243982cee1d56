// What an engine needs of the world around it.
#pragma once

#include "io/gate.hpp"
#include "replica/clock.hpp"
#include "replica/log.hpp"

namespace replica::engine {

// All outlive the engine. `gate` is nullptr outside tests.
struct Environment {
  const Clock* clock = nullptr;
  Logger* logger = nullptr;
  io::Gate* gate = nullptr;
};

}  // namespace replica::engine

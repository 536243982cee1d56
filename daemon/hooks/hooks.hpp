// The hooks of the configuration at work.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "hooks/runner.hpp"

namespace litestreamd {

class Webhook;

class Hooks {
 public:
  // Begins with the next event. `bus` and `log` outlive it. Errors: a secret that cannot be read.
  static replica::Result<std::unique_ptr<Hooks>> start(const config::EventsSettings& settings,
                                                       const config::Environment& environment, replica::EventBus& bus,
                                                       replica::Logger& log);
  ~Hooks();

  // Delivers what has happened so far, for at most `patience`, and ends.
  void finish(std::chrono::milliseconds patience);

 private:
  Hooks() = default;
  void add_exec(const config::ExecHookSettings& settings, replica::EventBus& bus, replica::Logger& log);
  std::unique_ptr<Webhook> webhook_;
  std::vector<std::unique_ptr<HookRunner>> runners_;
};

}  // namespace litestreamd

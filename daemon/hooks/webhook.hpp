// Events as signed HTTP requests. docs/events.md.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "config/config.hpp"
#include "replica/events.hpp"
#include "replica/log.hpp"

namespace litestreamd {

// The event as hooks are told it: as in a stream, and `run`.
std::string event_payload(const std::string& run, const replica::Event& event);

// One thread at a time.
class Webhook {
 public:
  // Errors: the secret cannot be read. `log` outlives it.
  static replica::Result<std::unique_ptr<Webhook>> open(const config::WebhookSettings& settings,
                                                        const config::Environment& environment, std::string run,
                                                        replica::Logger& log);
  ~Webhook();

  // Posts it until the receiver answers 2xx, with growing pauses, for as long as the settings say or until the stop.
  void deliver(const replica::Event& event, const std::stop_token& stop);

 private:
  struct Impl;
  explicit Webhook(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace litestreamd

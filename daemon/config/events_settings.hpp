// What is told to others as it happens: the section `events`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/duration.hpp"
#include "replica/events.hpp"

namespace config {

struct WebhookSettings {
  std::string url;                      // http or https
  std::string secret_file, secret_env;  // one of them or none; the file is absolute
  std::string ca_file;                  // whom to trust for https; empty = the system's
  replica::EventFilter filter;
  Duration timeout = std::chrono::seconds(10);
  Duration retry_for = std::chrono::minutes(10);
  bool operator==(const WebhookSettings&) const = default;
};

struct ExecHookSettings {
  std::vector<std::string> command;  // never empty; no shell
  replica::EventFilter filter;
  Duration timeout = std::chrono::seconds(30);
  int concurrency = 1;
  bool operator==(const ExecHookSettings&) const = default;
};

struct EventsSettings {
  Duration lag_limit = std::chrono::minutes(1);  // 0 = off
  std::size_t buffer = replica::EventBus::kDefaultCapacity;
  std::optional<WebhookSettings> webhook;
  std::optional<ExecHookSettings> exec;
  bool operator==(const EventsSettings&) const = default;
};

}  // namespace config

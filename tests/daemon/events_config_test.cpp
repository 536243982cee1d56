// The section `events` of the configuration file.
#include "config/config.hpp"
#include "config/diff.hpp"
#include "support/catch.hpp"

namespace {

std::string refusal(const std::string& section) {
  const auto parsed = config::parse("dbs: []\nevents:\n" + section, "f.yml");
  REQUIRE_FALSE(parsed);
  return parsed.error().message;
}

}  // namespace

TEST_CASE("events: everything that can be said") {
  const auto parsed = config::parse(R"(
dbs: []
events:
  lag-limit: 5s
  buffer: 100
  webhook:
    url: https://user:pass@example.com/hook
    secret-file: /etc/key
    events: [error, caught_up]
    paths: "/data/*.db"
    timeout: 2s
    retry-for: 1h
  exec:
    command: [/bin/notify, --now]
    events: lagging
    concurrency: 4
)",
                                    "f.yml");
  INFO((parsed ? "" : parsed.error().message));
  REQUIRE(parsed);
  const config::EventsSettings& events = parsed->events;
  CHECK(events.lag_limit == std::chrono::seconds(5));
  CHECK(events.buffer == 100);
  REQUIRE(events.webhook);
  CHECK(events.webhook->secret_file == "/etc/key");
  CHECK(events.webhook->filter.kinds ==
        std::vector<replica::EventKind>{replica::EventKind::error, replica::EventKind::caught_up});
  CHECK(events.webhook->filter.paths == std::vector<std::string>{"/data/*.db"});
  CHECK(events.webhook->retry_for == std::chrono::hours(1));
  REQUIRE(events.exec);
  CHECK(events.exec->command == std::vector<std::string>{"/bin/notify", "--now"});
  CHECK(events.exec->concurrency == 4);
  CHECK(events.exec->timeout == std::chrono::seconds(30));
  // Nothing of it is needed.
  const auto bare = config::parse("dbs: []\nevents: {webhook: , exec: }\n", "f.yml");
  REQUIRE(bare);
  CHECK(bare->events == config::EventsSettings());
  CHECK(config::diff(*bare, *parsed).needs_restart == std::vector<std::string>{"events"});
}

TEST_CASE("events: mistakes are refused with their line") {
  CHECK(refusal("  lag-limit: -1s\n") == "f.yml:3: events.lag-limit: must not be negative");
  CHECK(refusal("  buffer: 0\n") == "f.yml:3: events.buffer: must be from 1 to 1000000");
  CHECK(refusal("  webhook:\n    timeout: 1s\n").find("events.webhook: url required") != std::string::npos);
  const std::string url = refusal("  webhook: {url: \"ftp://user:secret@h/\"}\n");
  CHECK(url == "f.yml:3: events.webhook.url: must be an HTTP or HTTPS URL");
  CHECK(refusal("  webhook: {url: http://h, secret-env: A, secret-file: b}\n") ==
        "f.yml:3: events.webhook: cannot specify both secret-file and secret-env");
  CHECK(refusal("  webhook:\n    url: http://h\n    events:\n      - synced\n      - sinced\n") ==
        "f.yml:7: events.webhook.events: unknown kind of event: sinced");
  CHECK(refusal("  webhook: {url: http://h, retry-for: 0s}\n") ==
        "f.yml:3: events.webhook.retry-for: must be greater than 0 (got 0s)");
  CHECK(refusal("  webhook: {url: http://h, secret: abc}\n") == "f.yml:3: unknown key \"secret\" in events.webhook");
  CHECK(refusal("  exec: {command: []}\n") == "f.yml:3: events.exec: command required");
  CHECK(refusal("  exec: {command: [x], concurrency: 0}\n") ==
        "f.yml:3: events.exec: concurrency must be from 1 to 32");
}

TEST_CASE("events: the keys are in -help-config") {
  const std::string help = config::describe_keys();
  for (const char* key : {"\nevents:\n", "\nevents.webhook:\n", "\nevents.exec:\n", "secret-file", "lag-limit"}) {
    INFO(key);
    CHECK(help.find(key) != std::string::npos);
  }
}

// What a running daemon has to change for another state of its configuration.
#include "config/diff.hpp"

#include "support/catch.hpp"

using config::Config;
using Paths = std::vector<std::string>;

namespace {

Config read(const std::string& text) {
  auto loaded = config::parse(text, "test.yml");
  INFO((loaded ? "" : loaded.error().message));
  REQUIRE(loaded);
  return std::move(*loaded);
}

const char* const kTwo = R"(
dbs:
  - path: /data/a.db
    replica: {path: /r/a}
  - path: /data/b.db
    replica: {path: /r/b}
)";

}  // namespace

TEST_CASE("the same configuration changes nothing, however it is written") {
  CHECK(config::diff(read(kTwo), read(kTwo)).empty());
  const Config other = read(R"(
# b first
dbs:
  - replica: {url: "file:///r/b"}
    path: /data/b.db
    monitor-interval: 1000ms

  - {path: /data/a.db, replicas: [{path: /r/a, type: file}]}
)");
  CHECK(config::diff(read(kTwo), other).empty());
}

TEST_CASE("databases are added, removed and modified") {
  const config::Diff diff = config::diff(read(kTwo), read(R"(
dbs:
  - path: /data/b.db
    replica: {path: /r/elsewhere}
  - path: /data/c.db
    replica: {path: /r/c}
)"));
  CHECK(diff.removed == Paths{"/data/a.db"});
  CHECK(diff.modified == Paths{"/data/b.db"});
  CHECK(diff.added == Paths{"/data/c.db"});
  CHECK(diff.switched.empty());
  CHECK_FALSE(diff.empty());
}

TEST_CASE("enabled alone switches a database, with other settings it is modified") {
  const char* const kOff = R"(
dbs:
  - path: /data/a.db
    enabled: false
    replica: {path: /r/a}
  - path: /data/b.db
    auto-replicate: false
    busy-timeout: 3s
    replica: {path: /r/b}
)";
  const config::Diff diff = config::diff(read(kTwo), read(kOff));
  CHECK(diff.switched == Paths{"/data/a.db"});
  CHECK(diff.modified == Paths{"/data/b.db"});
}

TEST_CASE("the interval that replicas inherit modifies those that do") {
  const config::Diff diff = config::diff(read(kTwo), read(std::string("sync-interval: 5s\n") + kTwo));
  CHECK(diff.modified == Paths{"/data/a.db", "/data/b.db"});
  CHECK(diff.needs_restart.empty());
}

TEST_CASE("global keys tell whether they take effect at once") {
  const Config before = read(kTwo);
  CHECK(config::diff(before, read(std::string("logging: {level: debug}\n") + kTwo)).applied == Paths{"logging.level"});
  const auto restart = [&](const std::string& line) {
    return config::diff(before, read(line + "\n" + kTwo)).needs_restart;
  };
  CHECK(restart("addr: localhost:9090") == Paths{"addr"});
  CHECK(restart("socket: {path: /run/s.sock}") == Paths{"socket"});
  CHECK(restart("exec: sleep 1") == Paths{"exec"});
  CHECK(restart("logging: {type: json}") == Paths{"logging"});
  CHECK(restart("levels: [{interval: 1m}]") == Paths{"levels"});
  CHECK(restart("snapshot: {interval: 1h}") == Paths{"snapshot"});
  CHECK(restart("l0-retention: 1h") == Paths{"l0-retention"});
  CHECK(restart("l0-retention-check-interval: 1h") == Paths{"l0-retention-check-interval"});
  CHECK(restart("retention: {enabled: false}") == Paths{"retention.enabled"});
  CHECK(restart("shutdown-sync-timeout: 1s") == Paths{"shutdown-sync-timeout"});
  CHECK(restart("shutdown-sync-interval: 1s") == Paths{"shutdown-sync-interval"});
}

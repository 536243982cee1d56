// A replicator over databases of applications, that can be ended and started again. Threads and files are real; the
// tests wait on conditions.
#pragma once

#include <atomic>
#include <thread>

#include "engine_fixture.hpp"
#include "replica/replicator.hpp"
#include "support/patience.hpp"
#include "support/until.hpp"

namespace restart_fixture {

using namespace engine_fixture;
using namespace std::chrono_literals;
using support::until;

// The clock of the machine, so much later.
class LaterClock final : public Clock {
 public:
  Timestamp now() const override { return SystemClock().now() + passed; }
  Steady steady() const override { return SystemClock().steady(); }  // as the timer's
  std::chrono::milliseconds passed{0};
};

struct Scene {
  TempDir dir;
  std::shared_ptr<Backend> memory = make_memory_backend();
  std::atomic<int> lists{0}, others{0};
  std::shared_ptr<Backend> store =
      make_faulty_backend(memory, [this](std::string_view what, std::string_view) -> std::optional<Fault> {
        ++(what == "list" ? lists : others);
        return std::nullopt;
      });
  LaterClock clock;
  ReplicatorOptions options;
  std::unique_ptr<Replicator> replicator;
  std::vector<std::string> names;
  int restores = 0;

  Scene() {
    options.clock = &clock;
    options.levels = {1h};
  }
  std::string path(const std::string& name) const { return dir / (name + ".db"); }
  DatabaseConfig config(const std::string& name) const {
    DatabaseConfig made;
    made.path = path(name);
    made.backend = store;
    made.backend_path = name;
    made.replica_url = "mem://store/" + name;
    made.sync_interval = made.monitor_interval = 10ms;
    made.checkpoint_interval = 20ms;
    made.hibernate_after = 60ms;
    return made;
  }
  void make(const std::string& name) {
    Application app(path(name));
    app.fill(10);
    names.push_back(name);
  }
  void start() {
    lists = others = 0;
    replicator = std::make_unique<Replicator>(options);
    for (const std::string& name : names) {
      REQUIRE(replicator->add(config(name)));
      REQUIRE(replicator->start(path(name), true, support::within(60s)));
    }
  }
  DatabaseStatus status(const std::string& name) const {
    auto status = replicator->status(path(name));
    REQUIRE(status);
    return *status;
  }
  // With a mark that says all of it: the directory of local files must be old enough for that.
  void fall_asleep() {
    for (const std::string& name : names) {
      until([&] {
        if (!status(name).hibernating) return false;
        auto mark = engine::read_wal_mark(dir / ("." + name + ".db-litestream"), nullptr);
        REQUIRE(mark);
        if (*mark && (*mark)->rest) return true;
        REQUIRE(replicator->snapshot(path(name), support::within(60s)));  // wakes it
        return false;
      });
    }
  }
  void stop() {
    CHECK(replicator->stop_all().empty());
    replicator.reset();
  }
  void restart() {
    stop();
    start();
  }
  void wipe(const std::string& name) {
    Replica replica(memory, name);
    for (Level level = 0; level <= kSnapshotLevel; ++level) {
      auto files = replica.list(level, {}, {});
      REQUIRE(files);
      REQUIRE(replica.remove(*files, {}));
    }
  }
  bool holds_something(const std::string& name) {
    auto last = Replica(memory, name).last_txid({});
    REQUIRE(last);
    return last->value > 0;
  }
  void check_equal(const std::string& name) {
    const std::string output = dir / ("restored." + std::to_string(++restores));
    auto restored = restore_database(Replica(memory, name), {}, {.output = output}, {});
    INFO(name << ": " << (restored ? "" : restored.error().message));
    REQUIRE(restored);
    const bool equal = serialized(output) == serialized(path(name));
    CHECK(equal);
  }
};

}  // namespace restart_fixture

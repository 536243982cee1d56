// A database with two destinations, A and B, that can fail one by one.
#pragma once

#include "engine_fixture.hpp"

namespace destinations_fixture {

using namespace engine_fixture;

struct Pair {
  TempDir dir;
  std::string path = dir / "app.db", meta = dir / ".app.db-litestream";
  ManualClock clock;
  Store a, b;
  Replica on_a{a.memory, "db"}, on_b{b.memory, "db"};
  ReplicatorOptions options;
  int restores = 0;

  Pair() { options.levels = {std::chrono::seconds(30), std::chrono::minutes(5)}; }

  DatabaseConfig config() const {
    DatabaseConfig made;
    made.path = path;
    made.backend = a.backend;
    made.backend_path = "db";
    made.replica_url = "mem://a/db";
    made.more_replicas.push_back({.backend = b.backend, .path = "db", .url = "mem://b/db"});
    made.busy_timeout = std::chrono::milliseconds(50);
    return made;
  }
  std::unique_ptr<engine::Database> daemon(io::Gate* gate = nullptr, EventBus* events = nullptr) {
    return std::make_unique<engine::Database>(config(), options,
                                              engine::Environment{&clock, &null_logger(), gate, events});
  }

  void check_equal(const Replica& replica) {
    const std::string output = dir / ("restored." + std::to_string(++restores));
    auto restored = restore_database(replica, {}, {.output = output, .integrity_check = IntegrityCheck::full}, {});
    INFO((&replica == &on_a ? "A: " : "B: ") << (restored ? "" : restored.error().message));
    REQUIRE(restored);
    const bool equal = serialized(output) == serialized(path);
    CHECK(equal);
    fs::remove(output);
  }
  void check_equal() {
    check_equal(on_a);
    check_equal(on_b);
  }
  // Each TXID that a plan reaches is a sound database.
  void check_history(const Replica& replica) {
    for (const auto& file : listed(replica, 0)) {
      const std::string output = dir / ("restored." + std::to_string(++restores));
      auto restored = restore_database(replica, {.txid = file.range.max},
                                       {.output = output, .integrity_check = IntegrityCheck::full}, {});
      INFO((&replica == &on_a ? "A " : "B ")
           << file.range.max.text() << ": " << (restored ? "" : restored.error().message));
      if (!restored) REQUIRE(restored.error().code == Errc::not_found);
      if (restored) fs::remove(output);
    }
  }
  static std::vector<LtxFileInfo> listed(const Replica& replica, Level level) {
    auto files = replica.list(level, {}, {});
    REQUIRE(files);
    return std::move(*files);
  }
  std::vector<std::string> local() const {
    const std::string level0 = meta + "/ltx/0";
    return fs::exists(level0) ? names_in(level0) : std::vector<std::string>();
  }
};

inline FaultPlan away() {
  return [](std::string_view, std::string_view) { return unavailable(); };
}

}  // namespace destinations_fixture

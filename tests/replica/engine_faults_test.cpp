// Every step of a database's life fails once: each effect on the disk and on SQLite (io::Gate), and each call to the
// store, before and after it worked. Whatever fails, a second try succeeds and a restore equals the source.
#include "engine_fixture.hpp"

using namespace engine_fixture;

namespace {

// One way through all lanes. What fails is tried again; nothing may need more than a few tries.
struct Life {
  Fixture& f;
  Application& app;
  engine::Database& daemon;
  int failures = 0;

  template <class Step>
  void insist(const char* what, const Step& step) {
    for (int attempt = 0; attempt < 6; ++attempt) {
      auto done = step();
      if (done) return;
      ++failures;
      f.clock.pass(std::chrono::seconds(1));
      INFO(what << ": " << done.error().message);
      if (attempt == 5) REQUIRE(done);
    }
  }
  void sync() {
    insist("capture", [&] { return daemon.capture({}); });
    insist("ship", [&] { return daemon.ship({}); });
    CHECK(daemon.replicated() == daemon.captured());
  }
  void run() {
    sync();
    for (int n = 1; n < 4; ++n) {
      app.update(n);
      sync();
      f.clock.pass(std::chrono::seconds(20));
    }
    insist("maintain", [&] { return daemon.maintain({}); });
    // Level 1 has grown and everything in level 0 is old.
    app.run("DELETE FROM t WHERE id > 12; VACUUM");
    app.insert();
    sync();
    f.clock.pass(std::chrono::minutes(6));
    insist("maintain", [&] { return daemon.maintain({}); });
    insist("snapshot", [&] { return daemon.snapshot({}); });
    f.clock.pass(std::chrono::hours(25));
    app.update(5);
    sync();
    insist("maintain", [&] { return daemon.maintain({}); });
  }
};

void live(Fixture& f, io::Gate* gate) {
  Application app(f.path);
  app.fill(20);
  DatabaseConfig config = f.config();
  config.min_checkpoint_page_count = 5;
  config.truncate_page_n = 12;
  engine::Database daemon(config, f.options, {&f.clock, &null_logger(), gate});
  Life life{f, app, daemon};
  life.run();
  f.check_equal();
  f.check_history();
  daemon.close();
  // The next run of the daemon finds a sound state too.
  app.update(6);
  auto next = f.daemon();
  Life{f, app, *next}.sync();
  f.check_equal();
}

}  // namespace

TEST_CASE("every effect of capture, ship, compact, snapshot and retain fails once") {
  for (const Errc code : {Errc::io, Errc::no_space, Errc::busy}) {
    for (std::uint64_t n = 1;; ++n) {
      Fixture f;
      support::FailNth gate(n, support::FailNth::Then::recover, code);
      INFO(name(code) << ", effect " << n);
      live(f, &gate);
      if (!gate.fired()) break;
      INFO(gate.failed());
      REQUIRE(n < 5'000);
    }
  }
}

TEST_CASE("every call to the store fails once, before or after it worked") {
  for (const bool after : {false, true}) {
    for (int n = 1;; ++n) {
      Fixture f;
      int calls = 0;
      std::string failed;
      f.store.plan = [&](std::string_view operation, std::string_view key) -> std::optional<Fault> {
        if (++calls != n) return std::nullopt;
        failed = std::string(operation) + " " + std::string(key);
        return Fault{{Errc::unavailable, "the store is away"}, after};
      };
      INFO((after ? "after" : "before") << " call " << n);
      live(f, nullptr);
      INFO(failed);
      if (calls < n) break;
      REQUIRE(n < 5'000);
    }
  }
}

TEST_CASE("a power loss at any effect leaves what the next start continues from") {
  for (std::uint64_t n = 1;; ++n) {
    Fixture f;
    Application app(f.path);
    app.fill(20);
    support::FailNth gate(n, support::FailNth::Then::stay_broken);
    TxId acknowledged;
    {
      auto daemon = f.daemon(&gate);
      for (int row = 1; row < 6; ++row) {
        app.update(row);
        static_cast<void>(daemon->capture({}));
        if (daemon->ship({})) acknowledged = daemon->replicated();
        f.clock.pass(std::chrono::minutes(6));
        static_cast<void>(daemon->maintain({}));
      }
    }
    INFO("effect " << n << ": " << gate.failed());
    app.update(7);
    auto daemon = f.daemon();
    sync(*daemon);
    CHECK(daemon->replicated() >= acknowledged);
    f.check_equal();
    f.check_history();
    if (!gate.fired()) break;
  }
}

TEST_CASE("anchoring that fails for want of space does not lose what was committed meanwhile") {
  // The log reads as broken and the disk is full, twice; then everything is checkpointed, and the log restarts.
  struct Broken final : io::Gate {
    bool log_broken = false, full = false;
    std::optional<Error> before(std::string_view operation, std::string_view subject) override {
      const bool log = operation == "open" && subject.ends_with("-wal");
      if (log && std::exchange(log_broken, false)) return Error{Errc::not_found, "no log"};
      if (full && operation == "write") return Error{Errc::no_space, "disk full"};
      return std::nullopt;
    }
  } gate;
  Fixture f;
  Application app(f.path);
  app.fill(20);
  auto daemon = f.daemon(&gate);
  sync(*daemon);
  app.update(2);
  for (int attempt = 0; attempt < 2; ++attempt) {
    gate.log_broken = gate.full = true;
    REQUIRE_FALSE(daemon->capture({}));
    gate.full = false;
    app.checkpoint();
  }
  app.update(9);
  sync(*daemon);
  f.check_equal();
}

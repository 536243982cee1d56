// Two destinations while things fail: each step once, and at random.
#include <random>

#include "destinations_fixture.hpp"

using namespace destinations_fixture;

namespace {

// One way through all lanes. What fails is tried again; nothing may need more than a few tries.
struct Life {
  Pair& f;
  Application& app;
  engine::Database& database;

  template <class Step>
  void insist(const char* what, const Step& step) {
    for (int attempt = 0; attempt < 6; ++attempt) {
      auto done = step();
      if (done) return;
      f.clock.pass(std::chrono::seconds(1));
      INFO(what << ": " << done.error().message);
      if (attempt == 5) REQUIRE(done);
    }
  }
  void sync() {
    insist("capture", [&] { return database.capture({}); });
    insist("ship", [&] { return database.ship({}); });
    CHECK(database.replicated() == database.captured());
  }
  void run() {
    sync();
    for (int n = 1; n < 3; ++n) {
      app.update(n);
      sync();
      f.clock.pass(std::chrono::seconds(20));
    }
    insist("maintain", [&] { return database.maintain({}); });
    app.insert();
    sync();
    f.clock.pass(std::chrono::minutes(6));
    insist("maintain", [&] { return database.maintain({}); });
    insist("snapshot", [&] { return database.snapshot({}); });
    app.update(5);
    sync();
  }
};

void live(Pair& f, io::Gate* gate) {
  Application app(f.path);
  app.fill(12);
  auto database = f.daemon(gate);
  Life{f, app, *database}.run();
  f.check_equal();
  f.check_history(f.on_a);
  f.check_history(f.on_b);
}

}  // namespace

TEST_CASE("every effect of two destinations fails once") {
  for (std::uint64_t n = 1;; n += 5) {  // single ones are covered by the life with one destination
    Pair f;
    support::FailNth gate(n);
    INFO("effect " << n);
    live(f, &gate);
    INFO(gate.failed());
    if (!gate.fired()) break;
    REQUIRE(n < 20'000);
  }
}

TEST_CASE("every call to either of two stores fails once, before or after it worked") {
  for (const bool after : {false, true}) {
    for (int n = 1;; ++n) {
      Pair f;
      int calls = 0;
      const FaultPlan plan = [&](std::string_view, std::string_view) -> std::optional<Fault> {
        if (++calls != n) return std::nullopt;
        return Fault{{Errc::unavailable, "the store is away"}, after};
      };
      f.a.plan = f.b.plan = plan;
      INFO((after ? "after" : "before") << " call " << n);
      live(f, nullptr);
      if (calls < n) break;
      REQUIRE(n < 5'000);
    }
  }
}

namespace {

// An application, its database and two stores, to each of which anything happens.
class Trial {
 public:
  explicit Trial(std::uint32_t seed) : random_(seed) {
    f_.options.l0_retention = std::chrono::seconds(90);
    for (Store* store : {&f_.a, &f_.b}) {
      store->plan = [this, store](std::string_view, std::string_view) -> std::optional<Fault> {
        const bool fails = away_ == store || (flaky_ && chance(0.15));
        if (!fails) return std::nullopt;
        return Fault{{Errc::unavailable, "the store is away"}, away_ != store && chance(0.3)};
      };
    }
    app_.fill(12);
    database_ = f_.daemon();
  }

  void run(int steps) {
    for (int step = 0; step < steps; ++step) one();
    flaky_ = false;
    away_ = nullptr;
    for (int n = 0; n < 3; ++n) {
      app_.update(1 + n);
      REQUIRE(database_->capture({}));
      for (int attempt = 0; attempt < 4; ++attempt) {
        if (database_->ship({}) && database_->durable() == database_->captured()) break;
      }
      REQUIRE(database_->durable() == database_->captured());
      f_.check_equal();
    }
    f_.check_history(f_.on_a);
    f_.check_history(f_.on_b);
  }

 private:
  bool chance(double probability) { return std::uniform_real_distribution<>(0, 1)(random_) < probability; }
  int below(int end) { return std::uniform_int_distribution<>(0, end - 1)(random_); }

  void one() {
    f_.clock.pass(std::chrono::milliseconds(100 + 100 * below(chance(0.5) ? 10 : 400)));
    switch (below(16)) {
      case 0:
        away_ = chance(0.5) ? &f_.a : &f_.b;
        break;
      case 1:
        away_ = nullptr;
        break;
      case 2:
        restart();
        break;
      case 3:
        if (chance(0.3)) lose_local_state();
        break;
      case 4:
        if (chance(0.3)) lose_newest();
        break;
      case 5:
        static_cast<void>(database_->snapshot({}));
        break;
      case 6:
      case 7:
        static_cast<void>(database_->maintain({}));
        break;
      case 8:
        app_.checkpoint(chance(0.5) ? "PASSIVE" : "TRUNCATE");
        break;
      default:
        app_.update(1 + below(12));
        static_cast<void>(database_->capture({}));
        if (chance(0.7)) static_cast<void>(database_->ship({}));
    }
  }
  void restart() {
    database_.reset();
    database_ = f_.daemon();
  }
  void lose_local_state() {
    database_.reset();
    fs::remove_all(f_.meta);
    database_ = f_.daemon();
  }
  // Also what no destination has yet.
  void lose_newest() {
    const bool running = chance(0.5);
    if (!running) database_.reset();
    auto names = f_.local();
    if (!names.empty()) {
      const std::string newest = f_.meta + "/ltx/0/" + *std::max_element(names.begin(), names.end());
      if (chance(0.5)) {
        fs::remove(newest);
      } else {
        write_text(newest, "torn");
      }
    }
    if (!running) database_ = f_.daemon();
  }

  std::mt19937 random_;
  bool flaky_ = true;
  Store* away_ = nullptr;
  Pair f_;
  Application app_{f_.path};
  std::unique_ptr<engine::Database> database_;
};

}  // namespace

TEST_CASE("whatever happens, both replicas hold the database in the end") {
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    INFO("seed " << seed);
    Trial(seed).run(60);
  }
}

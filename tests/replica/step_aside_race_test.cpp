// A log that is restarted while what was committed without a pin is being read.
#include "capture_fixture.hpp"

using namespace capture_fixture;
using Backfill = Capture::Backfill;

namespace {

const std::string kInsert = "INSERT INTO t(v) VALUES (randomblob(2000))";

// Does something before the nth access to the log.
class AtAccess final : public io::Gate {
 public:
  std::optional<Error> before(std::string_view, std::string_view subject) override {
    if (!subject.ends_with("-wal") || left == 0) return {};
    --left;
    if (left == 0) act();
    return {};
  }
  int left = 0;  // 0 = never
  std::function<void()> act;
};

}  // namespace

TEST_CASE("a log restarted while it is read after stepping aside costs no anchoring") {
  int nth = 1;
  for (bool met = true; met; ++nth) {
    INFO("access " << nth);
    Fixture f;
    AtAccess gate;
    Application app(f.path);
    app.run("CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB); " + kFill);
    auto daemon = f.daemon(&gate);
    for (int n = 0; n < 4; ++n) app.run(kFill);
    capture(daemon->capture);
    gate.act = [&] { app.run("UPDATE t SET v = 'in the new log' WHERE id IN (3, 9)"); };
    const auto done = daemon->capture.step_aside(
        [&] {
          for (int n = 0; n < 5; ++n) app.run(kInsert);
          app.run("PRAGMA wal_checkpoint(PASSIVE)");  // so that the next writer restarts the log
          gate.left = nth;
        },
        1);
    met = gate.left == 0;
    gate.left = 0;
    REQUIRE(done);
    CHECK(*done == Backfill::complete);
    CHECK(daemon->capture.counters().anchors == 1);  // the attach
    capture(daemon->capture);
    f.check_equal();
    app.run(kInsert);
    capture(daemon->capture);
    f.check_equal();
    CHECK(daemon->capture.counters().anchors == 1);
  }
  CHECK(nth > 4);
}

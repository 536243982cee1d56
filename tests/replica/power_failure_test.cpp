// The beginning of a database when the power fails: names whose directory nobody has synced are gone.
#include <algorithm>
#include <tuple>

#include "backend/file_backend.hpp"
#include "engine_fixture.hpp"
#include "io/file.hpp"

using namespace engine_fixture;

namespace {

// Notes every step, and which names have been made durable by a sync of their directory. The power fails at the step
// `last`, or when it is told to.
class Power final : public io::Gate {
 public:
  explicit Power(std::uint64_t last = 0) : last_(last) {}

  std::optional<Error> before(std::string_view operation, std::string_view subject) override {
    steps_.push_back(std::string(operation) + " " + std::string(subject));
    if (last_ != 0 && steps_.size() >= last_) off_ = true;
    if (off_) return Error{.code = Errc::io, .message = "no power at " + steps_.back()};
    if (operation == "sync_dir") durable_[std::string(subject)] = names_in(std::string(subject));
    return {};
  }
  void fail() { off_ = true; }
  bool failed() const { return off_; }
  std::string last_step() const { return steps_.empty() ? "" : steps_.back(); }
  std::vector<std::string> take() { return std::exchange(steps_, {}); }

  // Of what lies at `path`, in a directory that is there for good.
  void lose_unsynced(const std::string& path) const {
    if (!is_durable(path)) {
      fs::remove_all(path);
    } else if (fs::is_directory(path)) {
      for (const std::string& name : names_in(path)) lose_unsynced(fs::path(path) / name);
    }
  }

 private:
  bool is_durable(const std::string& path) const {
    const auto parent = durable_.find(io::parent_of(path));
    const std::string name = fs::path(path).filename();
    return parent != durable_.end() &&
           std::find(parent->second.begin(), parent->second.end(), name) != parent->second.end();
  }
  const std::uint64_t last_;
  bool off_ = false;
  std::vector<std::string> steps_;
  std::map<std::string, std::vector<std::string>> durable_;  // names by directory
};

// With a replica in a directory of the same disk.
struct Bench : Fixture {
  std::string root = dir / "replica";

  Bench() { replica = Replica(make_file_backend({.root = root}), "db"); }
  std::unique_ptr<engine::Database> run(Power* power = nullptr) {
    DatabaseConfig made = config();
    made.backend = backend::make_file_backend({.root = root}, power);
    return std::make_unique<engine::Database>(made, options, engine::Environment{&clock, &null_logger(), power});
  }
  ByteVector restored(std::optional<TxId> txid = {}) {
    const std::string output = dir / ("restored." + std::to_string(++restores));
    auto done = restore_database(replica, {.txid = txid}, {.output = output}, {});
    INFO((done ? "" : done.error().message));
    REQUIRE(done);
    return serialized(output);
  }
  std::string local(std::uint64_t txid) const { return meta + "/ltx/0/" + ltx_file_name({TxId{txid}, TxId{txid}}); }
};

std::size_t place_of(const std::vector<std::string>& steps, const std::string& step) {
  const auto found = std::find(steps.begin(), steps.end(), step);
  INFO("not done: " << step);
  REQUIRE(found != steps.end());
  return static_cast<std::size_t>(found - steps.begin());
}

}  // namespace

TEST_CASE("the second file appears only when all names before it are durable") {
  Bench f;
  Power power;
  Application app(f.path);
  app.fill(20);
  auto daemon = f.run(&power);
  capture(*daemon);
  for (const std::string& step : power.take()) CHECK_FALSE(step.starts_with("sync_dir "));

  app.update(1);
  capture(*daemon);
  const auto second = power.take();
  const std::size_t appears = place_of(second, "rename " + f.local(2));
  for (const std::string& directory : {f.dir.path(), f.meta, f.meta + "/ltx", f.meta + "/ltx/0"}) {
    CHECK(place_of(second, "sync_dir " + directory) < appears);
  }
  CHECK(second.size() > appears + 1);
  CHECK(second[appears + 1] == "sync_dir " + f.meta + "/ltx/0");

  app.update(2);
  capture(*daemon);
  for (const std::string& step : power.take()) {
    if (step.starts_with("sync_dir ")) CHECK(step == "sync_dir " + f.meta + "/ltx/0");
  }
}

TEST_CASE("a name that cannot be made durable keeps the second file away") {
  struct Refusing final : io::Gate {
    std::string refused;
    std::optional<Error> before(std::string_view operation, std::string_view subject) override {
      if (operation != "sync_dir" || subject != refused) return {};
      return Error{.code = Errc::io, .message = "injected"};
    }
  };
  for (const std::string below : {"", "/.app.db-litestream", "/.app.db-litestream/ltx", "/.app.db-litestream/ltx/0"}) {
    INFO(below);
    Fixture f;
    Refusing gate;
    Application app(f.path);
    app.fill(20);
    auto daemon = f.daemon(&gate);
    gate.refused = f.dir.path() + below;
    sync(*daemon);
    app.update(1);
    const auto refused = daemon->capture({});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::io);
    CHECK(daemon->captured() == TxId{1});
    CHECK_FALSE(fs::exists(f.meta + "/ltx/0/" + ltx_file_name({TxId{2}, TxId{2}})));
    gate.refused.clear();
    sync(*daemon);
    f.check_equal();
    f.check_history();
  }
}

TEST_CASE("the power fails at any step of the first commits") {
  std::uint64_t nth = 0, without_local = 0;
  for (bool failed = true; failed;) {
    Bench f;
    Power power(++nth);
    Application app(f.path);
    app.fill(20);
    std::vector<ByteVector> states;
    std::size_t acknowledged = 0;  // how many of them
    {
      auto daemon = f.run(&power);
      for (int commit = 0; commit < 4 && !power.failed(); ++commit) {
        if (commit > 0) app.update(commit);
        states.push_back(serialized(f.path));
        const bool durable = daemon->capture({}) && daemon->ship({});
        if (durable) acknowledged = states.size();
        f.clock.pass(std::chrono::seconds(40));
        if (commit != 1) std::ignore = daemon->maintain({});
      }
      failed = power.failed();
      power.fail();  // nothing is tidied up
    }
    INFO("step " << nth << ": " << power.last_step() << ", acknowledged: " << acknowledged);
    power.lose_unsynced(f.meta);
    power.lose_unsynced(f.root);
    without_local += acknowledged > 0 && !fs::exists(f.local(1)) ? 1 : 0;
    if (acknowledged > 0) {
      const ByteVector kept = f.restored();
      CHECK(std::find(states.begin() + static_cast<std::ptrdiff_t>(acknowledged) - 1, states.end(), kept) !=
            states.end());
    }

    app.update(9);
    auto daemon = f.run();
    sync(*daemon);
    f.check_equal();
    app.update(10);
    sync(*daemon);
    maintain(*daemon);
    f.check_equal();
    f.check_history();
  }
  CHECK(nth > 60);
  CHECK(without_local > 0);  // the case that all this is about has been there
}

// Of names that nobody has synced any part may survive.
TEST_CASE("whatever is left of the local state of the first file") {
  const int rows = GENERATE(20, 700);  // the larger is synced at once, and has a page-hash map from the beginning
  const bool uploaded = GENERATE(true, false), written = GENERATE(true, false);
  struct Left {
    const char* what;
    std::vector<std::string> lost;
  };
  const std::string file = "/ltx/0/" + ltx_file_name({TxId{1}, TxId{1}});
  const auto left = GENERATE_COPY(values<Left>({{"nothing", {""}},
                                                {"an empty directory", {"/ltx", "/wal-mark", "/page-hashes"}},
                                                {"directories", {file, "/wal-mark", "/page-hashes"}},
                                                {"the file", {"/wal-mark", "/page-hashes"}},
                                                {"the file and the map", {"/wal-mark"}},
                                                {"the mark", {file, "/page-hashes"}},
                                                {"the map", {"/ltx", "/wal-mark"}},
                                                {"the mark and the map, of a missing directory", {"/ltx"}},
                                                {"the mark and the map, of a missing file", {file}},
                                                {"everything", {}}}));
  INFO(left.what << ", " << rows << " rows, uploaded: " << uploaded << ", written to: " << written);
  Bench f;
  Application app(f.path);
  app.fill(rows);
  const ByteVector first = serialized(f.path);
  {
    Power power;
    auto daemon = f.run(&power);
    capture(*daemon);
    if (uploaded) ship(*daemon);
    power.fail();
  }
  CHECK(fs::exists(f.meta + "/page-hashes") == (rows > 20));
  for (const std::string& name : left.lost) fs::remove_all(f.meta + name);
  if (written) app.update(1);
  const bool goes_on = uploaded || fs::exists(f.local(1));

  auto daemon = f.run();
  sync(*daemon);
  // Compared with the file that is here or there, where that is cheap.
  if (rows == 20) CHECK(daemon->captured() == TxId{written && goes_on ? 2U : 1U});
  f.check_equal();
  if (uploaded) CHECK(f.restored(TxId{1}) == first);
  app.update(2);
  sync(*daemon);
  f.check_equal();
  maintain(*daemon);
  f.check_equal();
  f.check_history();
}

TEST_CASE("a database that the power failure has set back goes on behind what was acknowledged") {
  const bool local_survives = GENERATE(false, true);
  Bench f;
  Application app(f.path);
  app.fill(20);
  app.close();
  fs::copy(f.path, f.dir / "before");
  app.open();
  app.update(1);
  const ByteVector acknowledged = serialized(f.path);
  {
    Power power;
    auto daemon = f.run(&power);
    sync(*daemon);
    power.fail();
    if (!local_survives) power.lose_unsynced(f.meta);
  }
  app.close();
  for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(f.path + suffix);
  fs::rename(f.dir / "before", f.path);
  app.open();
  auto daemon = f.run();
  sync(*daemon);
  CHECK(daemon->replicated() == TxId{2});
  f.check_equal();
  CHECK(f.restored(TxId{1}) == acknowledged);
}

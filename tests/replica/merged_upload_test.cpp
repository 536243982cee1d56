// What was captured between two uploads goes to the replica as one object.
#include "engine/upload_plan.hpp"
#include "engine_fixture.hpp"

using namespace engine_fixture;
using namespace std::chrono_literals;

namespace {

// `at` ms after the first, ascending TXIDs unless `min` says otherwise.
LtxFileInfo file(std::uint64_t min, int at, std::uint64_t size = 100) {
  return {
      .level = 0, .range = {{min}, {min}}, .size = size, .created_at = Timestamp{1h + std::chrono::milliseconds(at)}};
}

std::vector<std::string> names(const std::vector<LtxFileInfo>& files) {
  std::vector<std::string> found;
  for (const auto& f : files) found.push_back(ltx_file_name(f.range));
  return found;
}

struct Scene {
  Fixture f;
  Application app{f.path};
  std::unique_ptr<engine::Database> daemon;

  explicit Scene(io::Gate* gate = nullptr) {
    app.fill(20);
    daemon = f.daemon(gate);
    sync(*daemon);
    f.clock.pass(10s);
  }
  void commit(int id) {
    app.update(id);
    capture(*daemon);
    f.clock.pass(100ms);
  }
};

}  // namespace

TEST_CASE("what is uploaded together") {
  using engine::uploaded_together;
  const std::vector<LtxFileInfo> files{file(1, 0), file(2, 400), file(3, 1499), file(4, 1500)};
  CHECK(uploaded_together(files, 1s, 0) == 3);
  CHECK(uploaded_together(std::span(files).subspan(1), 1s, 0) == 3);
  CHECK(uploaded_together(std::span(files).first(1), 1s, 0) == 1);
  CHECK(uploaded_together(files, 0s, 0) == 1);
  CHECK(uploaded_together(files, 1s, 299) == 2);
  CHECK(uploaded_together(files, 1s, 300) == 3);
  const std::vector<LtxFileInfo> hole{file(1, 0), file(3, 1)};
  CHECK(uploaded_together(hole, 1s, 0) == 1);
  const std::vector<LtxFileInfo> clock_set_back{file(1, 5000), file(2, 0)};
  CHECK(uploaded_together(clock_set_back, 1s, 0) == 1);
}

TEST_CASE("captures of one interval are one object, and what a restore finds is the same") {
  Scene s;
  for (const int id : {3, 4, 3}) s.commit(id);
  s.f.clock.pass(2s);
  for (const int id : {9, 3}) s.commit(id);
  ship(*s.daemon);
  CHECK(names(s.f.listed(0)) ==
        std::vector<std::string>{ltx_file_name({{1}, {1}}), ltx_file_name({{2}, {4}}), ltx_file_name({{5}, {6}})});
  CHECK(s.daemon->durable() == TxId{6});
  CHECK(s.daemon->status().uploads == 3);
  s.f.check_equal();
  s.f.check_history();
}

TEST_CASE("a daemon continues behind a merged object, and compacts and retains it") {
  Scene s;
  for (const int id : {3, 4, 3}) s.commit(id);
  ship(*s.daemon);
  s.daemon.reset();
  s.app.update(7);
  s.daemon = s.f.daemon();
  sync(*s.daemon);
  CHECK(s.daemon->status().reanchors == 0);
  CHECK(s.f.listed(0).size() == 3);
  CHECK(s.f.listed(kSnapshotLevel).empty());
  s.f.check_equal();

  s.f.clock.pass(10min);
  s.commit(5);
  ship(*s.daemon);
  maintain(*s.daemon);
  s.f.clock.pass(10min);
  maintain(*s.daemon);
  CHECK(s.f.listed(0).size() == 1);
  s.f.check_equal();
  s.f.check_history();
}

TEST_CASE("a local file that is lost among those to be merged is replaced by a snapshot") {
  Scene s;
  for (const int id : {3, 4, 5}) s.commit(id);
  const std::string name = "/ltx/0/" + ltx_file_name({{3}, {3}});
  if (GENERATE(true, false))
    fs::remove(s.f.meta + name);
  else
    write_text(s.f.meta + name, "torn");
  ship(*s.daemon);
  CHECK(s.daemon->replicated() == s.daemon->captured());
  CHECK(s.f.listed(kSnapshotLevel).size() == 1);
  s.f.check_equal();
  s.commit(6);
  ship(*s.daemon);
  s.f.check_equal();
  s.f.check_history();
}

TEST_CASE("a new page size among those to be merged starts the history over") {
  Scene s;
  s.commit(3);
  s.daemon.reset();
  s.app.run("PRAGMA journal_mode=delete; PRAGMA page_size=1024; VACUUM; PRAGMA journal_mode=wal");
  s.daemon = s.f.daemon();
  for (const int id : {4, 5, 6}) s.commit(id);
  ship(*s.daemon);
  CHECK(s.daemon->replicated() == s.daemon->captured());
  CHECK(s.f.listed(0).back().range == TxRange{{4}, {5}});
  s.f.check_equal();
  s.commit(7);
  ship(*s.daemon);
  s.f.check_equal();
}

TEST_CASE("a merged upload that the store refuses is made again") {
  Scene s;
  for (const int id : {3, 4, 3}) s.commit(id);
  s.f.store.plan = [](std::string_view operation, std::string_view) {
    return operation == "put" ? unavailable() : std::nullopt;
  };
  auto refused = s.daemon->ship({});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::unavailable);
  CHECK(s.daemon->replicated() == TxId{1});
  s.f.store.plan = nullptr;
  ship(*s.daemon);
  CHECK(s.f.listed(0).size() == 2);
  s.f.check_equal();
}

TEST_CASE("every step of a merged upload fails once, and nothing is lost") {
  for (std::uint64_t nth = 1;; ++nth) {
    support::FailLater gate;
    Scene s(&gate);
    for (const int id : {3, 4, 3}) s.commit(id);
    gate.failing.emplace(nth);
    const bool shipped = s.daemon->ship({}).has_value();
    const bool failed = gate.failing->fired();
    INFO("step " << nth << ": " << gate.failing->failed());
    gate.failing.reset();
    if (!shipped) ship(*s.daemon);
    CHECK(s.daemon->replicated() == s.daemon->captured());
    s.f.check_equal();
    s.f.check_history();
    if (!failed) {
      CHECK(nth > 5);
      break;
    }
  }
}

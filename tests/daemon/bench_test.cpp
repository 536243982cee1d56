// What bench makes of its measurements, and that it measures what it says.
#include <filesystem>
#include <fstream>

#include "bench/compare.hpp"
#include "bench/disk.hpp"
#include "bench/noise.hpp"
#include "bench/report.hpp"
#include "bench/store.hpp"
#include "bench/workspace.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

using namespace litestreamctl;
using namespace litestreamctl::bench;
using replica::Errc;
using replica::Result;
using std::chrono::milliseconds;

namespace {

// Goes on by `step` with every look.
class StepClock final : public replica::Clock {
 public:
  explicit StepClock(milliseconds step) : step_(step) {}
  replica::Timestamp now() const override { return {}; }
  Steady steady() const override { return time_ += step_; }

 private:
  milliseconds step_;
  mutable Steady time_{};
};

const replica::SystemClock kClock;

std::vector<std::string> keys_of(replica::Backend& backend) {
  std::vector<std::string> keys;
  REQUIRE(backend.list({}, {}, [&](const replica::ObjectInfo& one) { return keys.push_back(one.key), true; }, {}));
  return keys;
}

// A machine where everything takes a round time: fsync 1 ms, put 20 ms, 10 MB/s up and 50 MB/s down.
Measures measured() {
  Measures m;
  m.disk = {.sync = {.count = 10, .median_ms = 1, .p99_ms = 2, .longest_ms = 2, .per_second = 1000},
            .new_file = {.count = 10, .median_ms = 3, .p99_ms = 5, .longest_ms = 5, .per_second = 300},
            .write = {.bytes = 100'000'000, .ms = 200},
            .read = {.bytes = 100'000'000, .ms = 100}};
  m.store.put = {.count = 10, .median_ms = 20, .p99_ms = 40, .longest_ms = 40, .per_second = 50};
  m.store.get = m.store.stat =
      m.store.list = {.count = 10, .median_ms = 10, .p99_ms = 20, .longest_ms = 20, .per_second = 100};
  m.store.up = {.bytes = 100'000'000, .ms = 10'000};
  m.store.down = {.bytes = 100'000'000, .ms = 2'000};
  m.store.down_at_once = {.bytes = 100'000'000, .ms = 500};
  m.path.first_copy = {.bytes = 100'000'000, .ms = 5'030};
  m.path.copied_bytes = 50'000'000;
  m.path.restore = {.bytes = 100'000'000, .ms = 1'110};
  m.path.restore_all = {.bytes = 100'000'000, .ms = 1'310};
  m.path.restore_all_files = 101;
  m.path.lag = {.count = 10, .median_ms = 25, .p99_ms = 50, .longest_ms = 50, .per_second = 40};
  m.path.sync = {.count = 10, .median_ms = 30, .p99_ms = 60, .longest_ms = 60, .per_second = 33};
  return m;
}

std::vector<std::string> reasons(const std::vector<Warning>& warnings) {
  std::vector<std::string> out;
  out.reserve(warnings.size());
  for (const Warning& one : warnings) out.push_back(one.reason);
  return out;
}

}  // namespace

TEST_CASE("percentiles are values that were measured") {
  CHECK(spread_of({}).count == 0);
  const Spread one = spread_of({7});
  CHECK((one.median_ms == 7 && one.p99_ms == 7 && one.longest_ms == 7));
  std::vector<double> times;
  for (int i = 200; i > 0; --i) times.push_back(i);
  const Spread many = spread_of(times);
  CHECK(many.count == 200);
  CHECK(many.median_ms == 100);
  CHECK(many.p99_ms == 198);
  CHECK(many.longest_ms == 200);
  CHECK(many.per_second == Approx(1000 / 100.5));
  CHECK(spread_of({1, 2, 3, 100}).p99_ms == 100);
}

TEST_CASE("a transfer that took no time has no rate") {
  CHECK(Transfer{.bytes = 10, .ms = 0}.per_second() == 0);
  CHECK(Transfer{.bytes = 500, .ms = 250}.per_second() == 2000);
}

TEST_CASE("a measurement ends with its time, but not before the least count") {
  const StepClock clock(milliseconds(10));
  const Meter meter{.clock = clock};
  int calls = 0;
  const auto count = [&](std::size_t number) -> Result<void> {
    CHECK(number == static_cast<std::size_t>(calls++));
    return {};
  };
  // Each takes two looks at the clock; behind the least count one more is for the time that is over: 2 * 20 + 9 * 30.
  CHECK(repeated(meter, {.time = milliseconds(300), .most = 100, .least = 2}, count)->count == 11);
  calls = 0;
  const auto least = repeated(meter, {.time = milliseconds(0), .most = 100, .least = 5}, count);
  CHECK(least->count == 5);
  CHECK(least->median_ms == 10);
  calls = 0;
  CHECK(repeated(meter, {.time = milliseconds(1'000'000), .most = 7}, count)->count == 7);
}

TEST_CASE("a measurement ends with the first failure, and when it is stopped") {
  std::stop_source stop;
  const Meter meter{.clock = kClock, .call = {.stop = stop.get_token(), .deadline = {}}};
  int calls = 0;
  const auto fail_third = [&](std::size_t) -> Result<void> {
    return ++calls == 3 ? Result<void>(replica::fail(Errc::no_space, "full")) : Result<void>();
  };
  CHECK(repeated(meter, {.time = milliseconds(1000)}, fail_third).error().code == Errc::no_space);
  CHECK(calls == 3);
  const auto stop_now = [&](std::size_t) -> Result<void> { return stop.request_stop(), Result<void>(); };
  CHECK(repeated(meter, {.time = milliseconds(1000)}, stop_now).error().code == Errc::cancelled);
}

TEST_CASE("noise is the same at the same place, however it is read") {
  std::vector<std::byte> whole(1000), part(100);
  fill_noise(5, 0, whole);
  fill_noise(5, 333, part);
  CHECK(std::equal(part.begin(), part.end(), whole.begin() + 333));
  CHECK(is_noise(5, 333, part));
  CHECK_FALSE(is_noise(6, 333, part));
  part[99] ^= std::byte{1};
  CHECK_FALSE(is_noise(5, 333, part));
  NoiseSource source(5, 1000);
  std::vector<std::byte> read(700);
  CHECK(source.read(read).value() == 700);
  CHECK(source.read(read).value() == 300);
  CHECK(std::equal(read.begin(), read.begin() + 300, whole.begin() + 700));
  CHECK(source.read(read).value() == 0);
}

TEST_CASE("the disk is measured, and nothing is left there") {
  const support::TempDir dir;
  const Meter meter{.clock = kClock};
  const auto disk = measure_disk({.directory = dir.path(), .size = 3'000'001, .time = milliseconds(50)}, meter);
  REQUIRE(disk);
  for (const Spread& one : {disk->sync, disk->new_file}) {
    CHECK(one.count >= 5);
    CHECK(one.median_ms > 0);
    CHECK(one.median_ms <= one.p99_ms);
    CHECK(one.p99_ms <= one.longest_ms);
  }
  CHECK(disk->write.bytes == 3'000'001);
  CHECK(disk->read.bytes == 3'000'001);
  CHECK(std::filesystem::is_empty(dir.path()));
  CHECK(measure_disk({.directory = dir.path() + "/none", .size = 1, .time = {}}, meter).error().code ==
        Errc::not_found);
}

TEST_CASE("a workspace goes away, and needs room") {
  const support::TempDir dir;
  {
    const auto workspace = Workspace::create(dir.path(), 1000);
    REQUIRE(workspace);
    std::ofstream(workspace->file("x")) << "x";
    CHECK(std::filesystem::exists(workspace->file("x")));
  }
  CHECK(std::filesystem::is_empty(dir.path()));
  CHECK(Workspace::create(dir.path(), ~std::uint64_t{0}).error().code == Errc::no_space);
  CHECK(Workspace::create(dir.path() + "/none", 1).error().code == Errc::not_found);
}

TEST_CASE("a restored database is compared to its last byte") {
  const support::TempDir dir;
  const std::string text(3'000'000, 'a');
  const auto write = [&](const std::string& content) { std::ofstream(dir.path("restored")) << content; };
  std::ofstream(dir.path("original")) << text;
  std::ifstream original(dir.path("original"), std::ios::binary);
  const auto code = [&] {
    const auto same = compare(original, dir.path("restored"), {});
    return same ? std::nullopt : std::optional(same.error().code);
  };
  CHECK(code() == Errc::io);
  write(text);
  CHECK_FALSE(code());
  CHECK_FALSE(code());  // once more from the beginning
  std::string other = text;
  other.back() = 'b';
  write(other);
  CHECK(code() == Errc::corrupt);
  write(text + "a");
  CHECK(code() == Errc::corrupt);
  write(text.substr(1));
  CHECK(code() == Errc::corrupt);
}

TEST_CASE("a store is measured by each of its operations") {
  const auto backend = std::shared_ptr(replica::make_memory_backend());
  const Meter meter{.clock = kClock};
  const auto store = measure_store(backend, {.prefix = "p", .size = 3'000'001, .time = milliseconds(40)}, meter);
  REQUIRE(store);
  for (const Spread& one : {store->put, store->get, store->stat, store->list}) CHECK(one.count >= 5);
  for (const Transfer& one : {store->up, store->down, store->down_at_once}) CHECK(one.bytes == 3'000'001);
  for (const std::string& key : keys_of(*backend)) CHECK(key.starts_with("p/"));
  CHECK(keys_of(*backend).size() == store->put.count + 1);
}

TEST_CASE("what a store refuses is named") {
  const auto operation = GENERATE("put", "get", "stat", "list");
  const auto inner = std::shared_ptr(replica::make_memory_backend());
  const std::shared_ptr<replica::Backend> backend =
      replica::make_faulty_backend(inner, [=](std::string_view name, std::string_view) {
        const bool hit = name == operation;
        return hit ? std::optional(replica::Fault{{Errc::permission_denied, "not for you", "ask"}}) : std::nullopt;
      });
  const Meter meter{.clock = kClock};
  const auto store = measure_store(backend, {.prefix = "p", .size = 1000, .time = {}}, meter);
  REQUIRE_FALSE(store);
  CHECK(store.error().code == Errc::permission_denied);
  CHECK(store.error().message == std::string(operation) + ": not for you");
  CHECK(store.error().hint == "ask");
}

TEST_CASE("a store that gives other bytes is no good") {
  const auto inner = std::shared_ptr(replica::make_memory_backend());
  // What was put under one name is exchanged for something of the same size before it is read.
  const std::shared_ptr<replica::Backend> backend =
      replica::make_faulty_backend(inner, [=](std::string_view name, std::string_view key) {
        if (name == "get" && key.find("large") != std::string_view::npos) {
          const std::vector<std::byte> other(5000);
          replica::MemorySource body(other);
          CHECK(inner->put(key, body, {}, {}));
        }
        return std::optional<replica::Fault>();
      });
  const Meter meter{.clock = kClock};
  const auto store = measure_store(backend, {.prefix = "p", .size = 5000, .time = {}}, meter);
  REQUIRE_FALSE(store);
  CHECK(store.error().code == Errc::corrupt);
  CHECK(store.error().message == "get of a large object: what was put comes back with other bytes");
}

TEST_CASE("what grows with a database is extrapolated, what does not is not") {
  // 5,030 ms of which 30 do not grow; ten times the size.
  Expectation e = expect(measured(), {.database_bytes = 1'000'000'000, .content = {}});
  CHECK(e.copied_database_bytes == 1'000'000'000);
  CHECK(e.first_copy_ms == Approx(30 + 50'000));
  CHECK(e.first_copy_bound == Bound::bandwidth);
  // 1,110 ms: eleven requests of 10 ms and 1,000 that grow.
  CHECK(e.restore_ms == Approx(110 + 10'000));
  CHECK(e.restore_bound == Bound::bandwidth);
  CHECK_FALSE(e.from_content);
  CHECK((e.lag_median_ms == 25 && e.lag_p99_ms == 50));
  CHECK(e.lag_bound == Bound::latency);
  CHECK(e.busy_lag_median_ms == Approx(525));
  CHECK(e.busy_lag_longest_ms == Approx(1050));
  // 10 MB/s of pages that shrink to half.
  CHECK(e.changes_per_second == Approx(100e6 / 5.03));
  CHECK(e.warnings.empty());
  e = expect(measured(), {.database_bytes = std::nullopt, .content = {}});
  CHECK(e.copied_database_bytes == 1'000'000'000);
  e = expect(measured(), {.database_bytes = 0, .content = {}});
  CHECK(e.first_copy_ms == Approx(30));
}

TEST_CASE("a restore of what the replica holds counts its files and their bytes") {
  // Twice the bytes of the sample's file for a database of its size: pages that are there several times. 2 ms a file.
  const Content content{.files = 51, .bytes = 100'000'000, .database_bytes = 100'000'000};
  const Expectation e = expect(measured(), {.database_bytes = 1'000'000'000, .content = content});
  CHECK(e.from_content);
  CHECK(e.restored_database_bytes == 100'000'000);
  CHECK(e.restore_ms == Approx(110 + 2 * 1'000 + 50 * 2));
  CHECK(e.copied_database_bytes == 1'000'000'000);
}

TEST_CASE("the bound is what takes most of the time") {
  Measures m = measured();
  m.disk.new_file.median_ms = 22;
  CHECK(expect(m, {}).lag_bound == Bound::disk);
  m.disk.new_file.median_ms = m.store.put.median_ms = 1;
  CHECK(expect(m, {}).lag_bound == Bound::machine);
  CHECK(std::string(name(Bound::machine)) == "machine");
}

TEST_CASE("what is unusual is said") {
  Measures m = measured();
  m.disk.sync.p99_ms = 51;
  m.store.put.p99_ms = 1001;
  m.path.lag.p99_ms = 1001;
  CHECK(reasons(expect(m, {}).warnings) ==
        std::vector<std::string>{"slow_fsync", "slow_put", "lag_above_sync_interval"});
  CHECK(reasons(expect(m, {.database_bytes = {}, .content = {}, .sync_interval = milliseconds(2000)}).warnings) ==
        std::vector<std::string>{"slow_fsync", "slow_put"});
  m = measured();
  m.disk.sync.median_ms = 0.001;
  CHECK(reasons(disk_warnings(m.disk)) == std::vector<std::string>{"unlikely_fsync"});
}

TEST_CASE("a report tells what was measured, and no more") {
  Report report;
  report.directory = "/d";
  report.sample_bytes = 100;
  report.trials.emplace_back();
  Trial& trial = report.trials.back();
  trial.store = "file:///r";
  trial.error = replica::Error{Errc::permission_denied, "put: no", "ask"};
  const auto json = report_json(report);
  CHECK_FALSE(json.at("ok").as_bool());
  CHECK(json.find("disk") == json.end());
  const auto& store = json.at("stores").as_array().at(0).as_object();
  CHECK(store.at("error").at("code") == "permission_denied");
  CHECK(store.find("expected") == store.end());
  CHECK(trial_text(trial, "") == "\nstore: file:///r\n");
}

TEST_CASE("a store that refuses to delete has been measured all the same") {
  Trial trial;
  trial.cleared = {.left = {"a"}, .error = replica::Error{Errc::permission_denied, "no"}};
  CHECK(trial.passed());
  trial.cleared.error = replica::Error{Errc::unavailable, "gone"};
  CHECK_FALSE(trial.passed());
}

TEST_CASE("text says that a figure is extrapolated") {
  Trial trial;
  trial.store = "file:///r";
  trial.subject = {.database_bytes = 1'000'000'000, .content = {}};
  const Measures m = measured();
  trial.measured = m.store;
  trial.path = m.path;
  trial.expected = expect(m, trial.subject);
  const std::string text = trial_text(trial, "/data/app.db");
  CHECK(text.find("to expect of /data/app.db, 1.0 GB:\n") != std::string::npos);
  CHECK(text.find("about 50 s (extrapolated); bound by the bandwidth of the store") != std::string::npos);
  CHECK(text.find("p50 25.0 ms, p99 50.0 ms (measured); bound by the latency of the store") != std::string::npos);
}

#include "metrics.hpp"

#include <sstream>

#include "support/catch.hpp"

using namespace std::chrono_literals;
using litestreamd::MetricsInput;
using litestreamd::render_metrics;

namespace {

bool has_line(const std::string& text, const std::string& line) {
  std::istringstream in(text);
  for (std::string l; std::getline(in, l);)
    if (l == line) return true;
  return false;
}

MetricsInput sample() {
  MetricsInput in;
  in.version = "1.2";
  in.sqlite_version = "3.40.1";
  in.now = replica::Timestamp(100s);
  in.started_at = replica::Timestamp(10s);
  auto& s = in.databases.emplace_back();
  s.path = "/a \"b\"\\c\n";
  s.state = replica::DatabaseState::open;
  s.local_txid = {7};
  s.replicated_txid = {5};
  s.last_sync_at = replica::Timestamp(40s);
  s.database_bytes = 8192;
  s.wal_bytes_captured = 1ULL << 53U;
  s.checkpoints_passive = 3;
  s.checkpoints_hard = 1;
  s.sync_seconds = 0.25;
  return in;
}

std::shared_ptr<replica::Backend> watched(litestreamd::BackendMeter& meter, const std::string& database) {
  return meter.watch(replica::make_memory_backend(), meter.counter("memory", database));
}

}  // namespace

TEST_CASE("a database with several replicas has series for each, one with a single one none") {
  MetricsInput in = sample();
  CHECK(render_metrics(in).find("litestream_destination") == std::string::npos);
  auto& s = in.databases.emplace_back();
  s.path = "/b";
  s.local_txid = {7};
  s.replicated_txid = {5};
  s.replicas.resize(2);
  s.replicas[0].url = "file:///r";
  s.replicas[0].replicated_txid = {7};
  s.replicas[1].url = "s3://b/p";
  s.replicas[1].name = "far";
  s.replicas[1].replicated_txid = {5};
  s.replicas[1].lag_bytes = 90;
  s.replicas[1].behind_since = replica::Timestamp(70s);
  s.replicas[1].auth_failed = true;
  const std::string text = render_metrics(in);
  CHECK(has_line(text, "litestream_replica_txid{db=\"/b\"} 5"));
  CHECK(has_line(text, "litestream_destination_txid{db=\"/b\",replica=\"file:///r\"} 7"));
  CHECK(has_line(text, "litestream_destination_txid{db=\"/b\",replica=\"far\"} 5"));
  CHECK(has_line(text, "litestream_destination_lag_bytes{db=\"/b\",replica=\"far\"} 90"));
  CHECK(has_line(text, "litestream_destination_lag_seconds{db=\"/b\",replica=\"far\"} 30"));
  CHECK(has_line(text, "litestream_destination_lag_seconds{db=\"/b\",replica=\"file:///r\"} 0"));
  CHECK(has_line(text, "litestream_destination_auth_failed{db=\"/b\",replica=\"far\"} 1"));
}

TEST_CASE("metrics carry the peer's names and the full path as label") {
  const std::string text = render_metrics(sample());
  const std::string db = "{db=\"/a \\\"b\\\"\\\\c\\n\"}";
  CHECK(has_line(text, "# TYPE litestream_db_size gauge"));
  CHECK(has_line(text, "litestream_db_size" + db + " 8192"));
  CHECK(has_line(text, "litestream_txid" + db + " 7"));
  CHECK(has_line(text, "litestream_replica_txid" + db + " 5"));
  CHECK(has_line(text, "litestream_total_wal_bytes" + db + " 9007199254740992"));
  CHECK(has_line(text, "litestream_sync_seconds" + db + " 0.25"));
  CHECK(has_line(text, "litestream_checkpoint_count{db=\"/a \\\"b\\\"\\\\c\\n\",mode=\"PASSIVE\"} 3"));
  CHECK(has_line(text, "litestream_checkpoint_count{db=\"/a \\\"b\\\"\\\\c\\n\",mode=\"HARD\"} 1"));
  CHECK(has_line(text, "litestream_build_info{version=\"1.2\",sqlite_version=\"3.40.1\"} 1"));
  for (const char* name :
       {"litestream_wal_size", "litestream_sync_count", "litestream_sync_error_count", "litestream_disk_full",
        "litestream_checkpoint_error_count", "litestream_checkpoint_seconds", "litestream_replica_operation_total",
        "litestream_replica_operation_bytes", "litestream_replica_operation_duration_seconds"})
    CHECK(text.find("# TYPE " + std::string(name) + " ") != std::string::npos);
}

TEST_CASE("lag is the time since everything was on the replica") {
  auto in = sample();
  const std::string db = "{db=\"/a \\\"b\\\"\\\\c\\n\"}";
  CHECK(has_line(render_metrics(in), "litestream_replica_lag_seconds" + db + " 60"));
  CHECK(has_line(render_metrics(in), "litestream_replica_lag_txids" + db + " 2"));
  in.databases[0].lag_bytes = 4096;
  CHECK(has_line(render_metrics(in), "litestream_replica_lag_bytes" + db + " 4096"));
  in.databases[0].last_sync_at.reset();  // never: since the daemon's start
  CHECK(has_line(render_metrics(in), "litestream_replica_lag_seconds" + db + " 90"));
  CHECK(render_metrics(in).find("litestream_last_sync_timestamp_seconds{") == std::string::npos);
  in.databases[0].replicated_txid = {7};
  CHECK(has_line(render_metrics(in), "litestream_replica_lag_seconds" + db + " 0"));
}

TEST_CASE("what a store refuses is in the series of its database") {
  auto in = sample();
  const std::string db = "{db=\"/a \\\"b\\\"\\\\c\\n\"}";
  CHECK(has_line(render_metrics(in), "litestream_replica_auth_failed" + db + " 0"));
  CHECK(has_line(render_metrics(in), "litestream_replica_retention_refused" + db + " 0"));
  in.databases[0].auth_failed = true;
  in.databases[0].retention_error = replica::Error{replica::Errc::permission_denied, "AccessDenied"};
  CHECK(has_line(render_metrics(in), "litestream_replica_auth_failed" + db + " 1"));
  CHECK(has_line(render_metrics(in), "litestream_replica_retention_refused" + db + " 1"));
}

TEST_CASE("the series are bounded, failing databases keep theirs, aggregates count all") {
  MetricsInput in = sample();
  in.databases.clear();
  for (const char* path : {"/1.db", "/2.db", "/3.db", "/4.db"}) in.databases.emplace_back().path = path;
  in.databases[1].state = replica::DatabaseState::open;
  in.databases[1].hibernating = true;
  in.databases[3].last_error = replica::Error{replica::Errc::io, "broken"};
  in.max_databases = 2;
  const std::string text = render_metrics(in);
  const auto shown = [&](const std::string& path) { return text.find("{db=\"" + path + "\"") != std::string::npos; };
  CHECK(shown("/4.db"));
  CHECK(shown("/1.db"));
  CHECK_FALSE(shown("/2.db"));
  CHECK_FALSE(shown("/3.db"));
  CHECK(has_line(text, "litestream_databases 4"));
  CHECK(has_line(text, "litestream_databases_open 1"));
  CHECK(has_line(text, "litestream_databases_hibernating 1"));
  CHECK(has_line(text, "litestream_databases_failing 1"));
  CHECK(has_line(text, "litestream_databases_omitted 2"));
  CHECK(has_line(text, "litestream_max_replica_lag_seconds 90"));
}

TEST_CASE("queues tell how many databases wait for a thread") {
  MetricsInput in = sample();
  in.queues = {.capture = 1, .ship = 2, .maintain = 3};
  const std::string text = render_metrics(in);
  CHECK(has_line(text, "litestream_queue_depth{queue=\"capture\"} 1"));
  CHECK(has_line(text, "litestream_queue_depth{queue=\"ship\"} 2"));
  CHECK(has_line(text, "litestream_queue_depth{queue=\"maintain\"} 3"));
}

TEST_CASE("every family is described once and every sample belongs to the family above it") {
  const std::string text = render_metrics(sample());
  std::istringstream in(text);
  std::string family;
  std::vector<std::string> seen;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("# HELP ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      CHECK(std::find(seen.begin(), seen.end(), family) == seen.end());
      seen.push_back(family);
    } else if (!line.starts_with("#")) {
      INFO(line);
      CHECK(line.starts_with(family));
    }
  }
  CHECK(text.ends_with("\n"));
}

TEST_CASE("calls of a backend are counted by kind") {
  const replica::SystemClock clock;
  litestreamd::BackendMeter meter(clock);
  const auto backend = watched(meter, "/db");
  const std::vector<std::byte> body(100);
  replica::MemorySource source(body);
  REQUIRE(backend->put("k", source, {}, {}));
  replica::MemorySink sink;
  REQUIRE(backend->get("k", {}, sink, {}));
  REQUIRE_FALSE(backend->get("none", {}, sink, {}));
  REQUIRE(backend->stat("k", {}));
  REQUIRE(backend->list("", "", [](const replica::ObjectInfo&) { return true; }, {}));
  REQUIRE(backend->remove("k", {}));
  MetricsInput in;
  in.operations = meter.stats();
  const std::string text = render_metrics(in);
  CHECK(has_line(text, "litestream_replica_operation_total{replica_type=\"memory\",operation=\"GET\"} 2"));
  CHECK(has_line(text, "litestream_replica_operation_bytes{replica_type=\"memory\",operation=\"GET\"} 100"));
  CHECK(has_line(text, "litestream_replica_operation_bytes{replica_type=\"memory\",operation=\"PUT\"} 100"));
  CHECK(has_line(text, "litestream_replica_operation_bytes{replica_type=\"memory\",operation=\"STAT\"} 0"));
  CHECK(has_line(
      text,
      "litestream_replica_operation_errors_total{replica_type=\"memory\",operation=\"GET\",code=\"not_found\"} "
      "1"));
  CHECK(has_line(text,
                 "litestream_replica_operation_duration_seconds_bucket{replica_type=\"memory\",operation=\"PUT\",le="
                 "\"+Inf\"} 1"));
}

TEST_CASE("requests have series by database and class, none for what was never asked") {
  const replica::SystemClock clock;
  litestreamd::BackendMeter meter(clock);
  const auto put = [](replica::Backend& backend) {
    const std::vector<std::byte> body(100);
    replica::MemorySource source(body);
    REQUIRE(backend.put("k", source, {}, {}));
  };
  const auto busy = watched(meter, "/busy.db"), second = watched(meter, "/busy.db"), idle = watched(meter, "/idle.db"),
             hidden = watched(meter, "/hidden.db");
  auto gone = watched(meter, "/gone.db");
  put(*busy);
  put(*second);
  REQUIRE(busy->remove("k", {}));
  put(*hidden);
  put(*gone);
  gone.reset();
  MetricsInput in;
  for (const char* path : {"/busy.db", "/idle.db", "/gone.db", "/hidden.db"}) in.databases.emplace_back().path = path;
  in.max_databases = 3;
  in.requests = meter.requests();
  in.requests_of = [&](const std::string& database) { return meter.requests_of(database); };
  const std::string text = render_metrics(in);
  const std::string of_busy = "{db=\"/busy.db\",replica_type=\"memory\"";
  CHECK(has_line(text, "litestream_db_requests_total" + of_busy + ",class=\"put\"} 2"));
  CHECK(has_line(text, "litestream_db_requests_total" + of_busy + ",class=\"remove\"} 1"));
  CHECK(has_line(text, "litestream_db_sent_bytes_total" + of_busy + "} 200"));
  CHECK(text.find("litestream_db_requests_total" + of_busy + ",class=\"list\"") == std::string::npos);
  CHECK(text.find("litestream_db_request_errors_total{") == std::string::npos);
  for (const char* path : {"/idle.db", "/gone.db", "/hidden.db"})
    CHECK(text.find("litestream_db_requests_total{db=\"" + std::string(path)) == std::string::npos);
  // All that there were, and every class from the beginning.
  CHECK(has_line(text, "litestream_requests_total{replica_type=\"memory\",class=\"put\"} 4"));
  CHECK(has_line(text, "litestream_requests_total{replica_type=\"memory\",class=\"list\"} 0"));
  CHECK(has_line(text, "litestream_request_sent_bytes_total{replica_type=\"memory\",class=\"put\"} 400"));
  CHECK(meter.requests_of("/busy.db").at("memory").total().requests == 3);
  CHECK(meter.requests_of("/gone.db").empty());
}

TEST_CASE("the memory of a meter is that of the backends there are") {
  const replica::SystemClock clock;
  litestreamd::BackendMeter meter(clock);
  for (int i = 0; i < 1000; ++i) watched(meter, "/" + std::to_string(i) + ".db");
  CHECK(meter.watched() <= 64);
}

TEST_CASE("slow calls stand in their bucket and all above") {
  const replica::SystemClock clock;
  litestreamd::BackendMeter meter(clock);
  meter.record("s", "PUT", 1, 0.2, nullptr);
  meter.record("s", "PUT", 1, 100, nullptr);
  MetricsInput in;
  in.operations = meter.stats();
  const std::string text = render_metrics(in);
  const std::string name =
      "litestream_replica_operation_duration_seconds_bucket{replica_type=\"s\",operation=\"PUT\",le=\"";
  CHECK(has_line(text, name + "0.1\"} 0"));
  CHECK(has_line(text, name + "0.5\"} 1"));
  CHECK(has_line(text, name + "60\"} 1"));
  CHECK(has_line(text, name + "+Inf\"} 2"));
  CHECK(
      has_line(text, "litestream_replica_operation_duration_seconds_sum{replica_type=\"s\",operation=\"PUT\"} 100.2"));
}

TEST_CASE("calls of the control API are counted and timed") {
  litestreamd::ControlMeter meter;
  meter.record("status", 0.0002, "");
  meter.record("status", 0.0001, "");
  meter.record("status", 20, "not_found");
  MetricsInput in;
  in.control = meter.stats();
  const std::string text = render_metrics(in);
  CHECK(has_line(text, "litestream_control_requests_total{method=\"status\"} 3"));
  CHECK(has_line(text, "litestream_control_errors_total{method=\"status\",reason=\"not_found\"} 1"));
  const std::string name = "litestream_control_request_duration_seconds_bucket{method=\"status\",le=\"";
  CHECK(has_line(text, name + "0.0001\"} 1"));
  CHECK(has_line(text, name + "0.0005\"} 2"));
  CHECK(has_line(text, name + "10\"} 2"));
  CHECK(has_line(text, name + "+Inf\"} 3"));
  CHECK(has_line(text, "litestream_control_request_duration_seconds_count{method=\"status\"} 3"));
}

TEST_CASE("the process knows itself") {
  const auto stats = litestreamd::read_process_stats();
  CHECK(stats.resident_bytes > 100'000);
  CHECK(stats.open_fds > 2);
  CHECK(stats.max_fds >= stats.open_fds);
  CHECK(stats.threads >= 1);
}

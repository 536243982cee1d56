#include <algorithm>
#include <boost/json/array.hpp>

#include "bench/report.hpp"

namespace litestreamctl::bench {

namespace json = boost::json;

namespace {

json::object spread_json(const Spread& one) {
  return {{"count", one.count},
          {"p50_ms", one.median_ms},
          {"p99_ms", one.p99_ms},
          {"max_ms", one.longest_ms},
          {"per_second", one.per_second}};
}

json::object transfer_json(const Transfer& one) {
  return {{"bytes", one.bytes}, {"duration_ms", one.ms}, {"bytes_per_second", one.per_second()}};
}

json::object error_json(const replica::Error& error) {
  json::object out{{"code", replica::name(error.code)}, {"message", error.message}};
  if (!error.hint.empty()) out["hint"] = error.hint;
  return out;
}

json::array warnings_json(const std::vector<Warning>& warnings) {
  json::array out;
  for (const Warning& one : warnings) out.push_back(json::object{{"reason", one.reason}, {"message", one.message}});
  return out;
}

json::object disk_json(const DiskMeasures& disk) {
  return {{"fsync", spread_json(disk.sync)},
          {"new_file", spread_json(disk.new_file)},
          {"write", transfer_json(disk.write)},
          {"read", transfer_json(disk.read)}};
}

json::object small_json(const StoreMeasures& store) {
  return {{"bytes", kSmall},
          {"put", spread_json(store.put)},
          {"get", spread_json(store.get)},
          {"stat", spread_json(store.stat)},
          {"list", spread_json(store.list)}};
}

json::object large_json(const StoreMeasures& store) {
  return {{"put", transfer_json(store.up)},
          {"get", transfer_json(store.down)},
          {"get_parallel", transfer_json(store.down_at_once)}};
}

json::object path_json(const PathMeasures& path) {
  json::object first = transfer_json(path.first_copy);
  first["uploaded_bytes"] = path.copied_bytes;
  json::object all = transfer_json(path.restore_all);
  all["files"] = path.restore_all_files;
  // A restore that gives something else is an error.
  return {{"first_copy", std::move(first)},         {"restore", transfer_json(path.restore)},
          {"restore_with_commits", std::move(all)}, {"restored_identical", true},
          {"lag", spread_json(path.lag)},           {"sync", spread_json(path.sync)}};
}

json::object expected_json(const Expectation& e, const Subject& subject) {
  return {{"first_copy", json::object{{"database_bytes", e.copied_database_bytes},
                                      {"duration_ms", e.first_copy_ms},
                                      {"bound", name(e.first_copy_bound)},
                                      {"extrapolated", true}}},
          {"restore", json::object{{"database_bytes", e.restored_database_bytes},
                                   {"duration_ms", e.restore_ms},
                                   {"bound", name(e.restore_bound)},
                                   {"from", e.from_content ? "replica" : "snapshot"},
                                   {"extrapolated", true}}},
          {"lag", json::object{{"p50_ms", e.lag_median_ms},
                               {"p99_ms", e.lag_p99_ms},
                               {"bound", name(e.lag_bound)},
                               {"extrapolated", false}}},
          {"busy_lag", json::object{{"sync_interval_ms", subject.sync_interval.count()},
                                    {"p50_ms", e.busy_lag_median_ms},
                                    {"max_ms", e.busy_lag_longest_ms},
                                    {"extrapolated", true}}},
          {"changes_bytes_per_second", e.changes_per_second}};
}

json::object trial_json(const Trial& trial) {
  json::array left;
  for (const std::string& key : trial.cleared.left) left.push_back(json::string(key));
  json::object out{{"store", trial.store}, {"type", trial.type}, {"prefix", trial.prefix}, {"ok", trial.passed()}};
  if (trial.measured) {
    out["small_objects"] = small_json(*trial.measured);
    out["large_object"] = large_json(*trial.measured);
  }
  if (trial.path) out["replication"] = path_json(*trial.path);
  if (trial.content)
    out["replica"] = json::object{{"files", trial.content->files},
                                  {"bytes", trial.content->bytes},
                                  {"database_bytes", trial.content->database_bytes}};
  if (trial.expected) out["expected"] = expected_json(*trial.expected, trial.subject);
  if (trial.error) out["error"] = error_json(*trial.error);
  out["warnings"] = warnings_json(trial.warnings);
  out["left"] = std::move(left);
  return out;
}

}  // namespace

bool Report::passed() const {
  return !error && std::all_of(trials.begin(), trials.end(), [](const Trial& one) { return one.passed(); });
}

json::object report_json(const Report& report) {
  json::object out{{"ok", report.passed()}};
  if (!report.database.empty())
    out["database"] = json::object{{"path", report.database}, {"bytes", *report.database_bytes}};
  out["sample"] = json::object{{"directory", report.directory}, {"bytes", report.sample_bytes}};
  if (report.disk) out["disk"] = disk_json(*report.disk);
  if (report.error) out["error"] = error_json(*report.error);
  json::array stores;
  for (const Trial& one : report.trials) stores.push_back(trial_json(one));
  out["stores"] = std::move(stores);
  return out;
}

}  // namespace litestreamctl::bench

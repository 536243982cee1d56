#include "methods/call.hpp"
#include "methods/table.hpp"

namespace control {

namespace json = boost::json;

Method start_method() {
  return {
      .name = "start",
      .alias = {},
      .summary = "Start replication for a database.",
      .params = describe<StartParams>(),
      .result = describe<StartResult>(),
      .role = Role::operate,
      .pace = Pace::waits,
      .errors = {kNotFound,
                 {code::kApplication, "database already enabled: <path>", "already_enabled"},
                 {code::kApplication, "database has no replica configured: <path>", "no_replica"},
                 {code::kApplication, "failed to load config: <detail>", "invalid_config"},
                 {code::kApplication, "started, but <config file> could not be changed: <detail>", "persist_failed"},
                 kConfigChanged,
                 {code::kTimeout, "timeout waiting for start", "timed_out"}},
      .example_params = R"({"path": "/data/app.db", "wait": true, "timeout": 30})",
      .example_result = R"({"status": "started", "path": "/data/app.db"})",
      .invoke = [](Service& s, const json::object& p,
                   const Arrival& a) { return call<StartParams, &Service::start>(s, p, a, "start"); },
      // The one registers a database, from any file that the daemon can read, the other writes to the configuration.
      .admin_params = {"config", "persist"},
  };
}

Method stop_method() {
  return {
      .name = "stop",
      .alias = {},
      .summary =
          "Stop replication for a database with graceful shutdown: pending changes are flushed to the replica "
          "first.",
      .params = describe<StopParams>(),
      .result = describe<StopResult>(),
      .role = Role::operate,
      .pace = Pace::waits,
      .errors = {kNotFound,
                 {code::kApplication, "database already disabled: <path>", "already_disabled"},
                 {code::kApplication, "stopped, but the final upload failed: <detail>", "upload_failed"},
                 {code::kApplication, "stopped, but <config file> could not be changed: <detail>", "persist_failed"},
                 kConfigChanged,
                 {code::kTimeout, "timeout waiting for stop", "timed_out"}},
      .example_params = R"({"path": "/data/app.db", "timeout": 60})",
      .example_result = R"({"status": "stopped", "path": "/data/app.db", "txid": 42})",
      .invoke = [](Service& s, const json::object& p,
                   const Arrival& a) { return call<StopParams, &Service::stop>(s, p, a, "stop"); },
      .admin_params = {"persist"},
  };
}

}  // namespace control

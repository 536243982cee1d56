#include "methods/call.hpp"
#include "methods/table.hpp"

namespace control {

namespace json = boost::json;

Method status_method() {
  return {
      .name = "status",
      .alias = {},
      .summary = "Query the replication status of a database.",
      .params = describe<StatusParams>(),
      .result = describe<DatabaseEntry>(),
      .pace = Pace::brief,
      .errors = {kNotFound},
      .example_params = R"({"path": "/data/app.db"})",
      .example_result = R"({"path": "/data/app.db", "status": "open"})",
      .invoke = [](Service& s, const json::object& p,
                   const Arrival& a) { return call<StatusParams, &Service::status>(s, p, a, "status"); },
  };
}

Method list_method() {
  return {
      .name = "list",
      .alias = "databases",
      .summary = "List all databases managed by the daemon.",
      .params = describe<ListParams>(),
      .result = describe<DatabaseEntry>(),
      .result_is_array = true,
      .errors = {},
      .example_params = {},
      .example_result =
          R"([{"path": "/data/app.db", "status": "open"}, {"path": "/data/tenant1.db", "status": "closed"}])",
      .invoke = [](Service& s, const json::object& p,
                   const Arrival& a) { return call<ListParams, &Service::list>(s, p, a, "list"); },
  };
}

Method info_method() {
  return {
      .name = "info",
      .alias = {},
      .summary = "Show daemon information.",
      .params = {},
      .result = describe<InfoResult>(),
      .pace = Pace::brief,
      .errors = {},
      .example_params = {},
      .example_result = R"({"version": "v0.1.0", "pid": 1234, "config_path": "/etc/litestream.yml", )"
                        R"("socket_path": "/var/run/litestream.sock", "http_addr": "localhost:9090", )"
                        R"("persist_to_config": false, "databases": 2, "open_databases": 1, )"
                        R"("started_at": "2024-01-01T00:00:00Z", "sqlite_version": "3.40.1"})",
      .invoke = [](Service& s, const json::object& p,
                   const Arrival& a) { return call<NoParams, &Service::info>(s, p, a, "info"); },
      .for_all = true,
  };
}

}  // namespace control

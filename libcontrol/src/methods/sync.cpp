#include "methods/call.hpp"
#include "methods/table.hpp"

namespace control {

namespace json = boost::json;

Method sync_method() {
  return {
      .name = "sync",
      .alias = {},
      .summary = "Force an immediate sync of pending changes.",
      .params = describe<SyncParams>(),
      .result = describe<SyncResult>(),
      .role = Role::operate,
      .pace = Pace::waits,
      .errors = {kNotFound,
                 {code::kApplication, "database not open: <path>", "not_open"},
                 {code::kApplication, "database has no replica", "no_replica"},
                 {code::kApplication, "sync failed: <detail>", "sync_failed"},
                 {code::kTimeout, "timeout waiting for sync", "timed_out"}},
      .example_params = R"({"path": "/data/app.db", "wait": true})",
      .example_result = R"({"status": "synced", "path": "/data/app.db", "txid": 42, "replicated_txid": 42})",
      .invoke = [](Service& s, const json::object& p,
                   const Arrival& a) { return call<SyncParams, &Service::sync>(s, p, a, "sync"); },
  };
}

}  // namespace control

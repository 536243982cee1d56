#include "methods/call.hpp"
#include "methods/table.hpp"

namespace control {

namespace json = boost::json;

namespace {

constexpr ErrorDoc kPersistFailed{code::kApplication, "<done>, but <config file> could not be changed: <detail>",
                                  "persist_failed"};

}  // namespace

Method register_method() {
  return {
      .name = "register",
      .alias = {},
      .summary = "Add a database that is not in the configuration file, and start it with default settings.",
      .params = describe<RegisterParams>(),
      .result = describe<RegisterResult>(),
      .role = Role::admin,
      .pace = Pace::waits,
      .errors = {{code::kApplication, "invalid replica url: <detail>", "invalid_replica_url"},
                 {code::kApplication, "failed to register database: <detail>", "register_failed"},
                 kPersistFailed,
                 kConfigChanged,
                 {code::kTimeout, "timeout waiting for register", "timed_out"}},
      .example_params = R"({"path": "/data/tenant1.db", "replica_url": "file:///backup/tenant1"})",
      .example_result = R"({"status": "registered", "path": "/data/tenant1.db"})",
      .invoke = [](Service& s, const json::object& p,
                   const Arrival& a) { return call<RegisterParams, &Service::register_database>(s, p, a, "register"); },
  };
}

Method unregister_method() {
  return {
      .name = "unregister",
      .alias = {},
      .summary = "Stop a database as stop does, and forget it: nothing is deleted.",
      .params = describe<UnregisterParams>(),
      .result = describe<UnregisterResult>(),
      .role = Role::admin,
      .pace = Pace::waits,
      .errors = {{code::kApplication, "failed to unregister database: <detail>", "unregister_failed"},
                 {code::kApplication, "stopped and still registered, for the final upload failed: <detail>",
                  "upload_failed"},
                 kPersistFailed,
                 kConfigChanged,
                 {code::kTimeout, "timeout waiting for unregister", "timed_out"}},
      .example_params = R"({"path": "/data/tenant1.db"})",
      .example_result = R"({"status": "unregistered", "path": "/data/tenant1.db", "txid": 42})",
      .invoke =
          [](Service& s, const json::object& p, const Arrival& a) {
            return call<UnregisterParams, &Service::unregister_database>(s, p, a, "unregister");
          },
  };
}

Method txid_method() {
  return {
      .name = "txid",
      .alias = {},
      .summary = "Query the transaction up to which a database is captured.",
      .params = describe<TxidParams>(),
      .result = describe<TxidResult>(),
      .errors = {kNotFound},
      .example_params = R"({"path": "/data/app.db"})",
      .example_result = R"({"txid": 42})",
      .invoke = [](Service& s, const json::object& p,
                   const Arrival& a) { return call<TxidParams, &Service::txid>(s, p, a, "txid"); },
  };
}

Method sync_status_method() {
  return {
      .name = "sync_status",
      .alias = {},
      .summary = "Show what is being captured and uploaded now, and how far each database is.",
      .params = describe<SyncStatusParams>(),
      .result = describe<SyncStatusEntry>(),
      .result_is_array = true,
      .errors = {kNotFound},
      .example_params = R"({"path": "/data/app.db"})",
      .example_result =
          R"([{"path": "/data/app.db", "active": false, "txid": 42, "wal_size": 16512, "status": "open", )"
          R"("replicated_txid": 42, "last_sync_at": "2024-01-01T00:00:00Z"}])",
      .invoke = [](Service& s, const json::object& p,
                   const Arrival& a) { return call<SyncStatusParams, &Service::sync_status>(s, p, a, "sync_status"); },
  };
}

}  // namespace control

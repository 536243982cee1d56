#include <algorithm>

#include "api_fields.hpp"
#include "control/methods.hpp"

namespace control {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;

constexpr milliseconds kMargin{250};           // for the reply to travel before the client gives up
constexpr milliseconds kQueryTimeout{10'000};  // of methods without a timeout of their own

milliseconds timeout_of(const auto& params) {
  if constexpr (requires { params.timeout; }) {
    return params.timeout;
  } else {
    return kQueryTimeout;
  }
}

json::value to_result(std::vector<DatabaseEntry> entries) {
  json::array array;
  array.reserve(entries.size());
  for (DatabaseEntry& entry : entries) array.push_back(encode(std::move(entry)));
  return array;
}

template <class T>
json::value to_result(T value) {
  return encode(std::move(value));
}

// Decode, call, encode: the same for every method.
template <class Params, auto kMember>
Result<json::value> call(Service& service, const json::object& object, const Arrival& arrival, std::string_view name) {
  Result<Params> params = decode<Params>(object);
  if (!params) return fail(std::move(params.error()));
  const Call call{.deadline = arrival.at + working_time(timeout_of(*params)), .stop = arrival.stop};
  if (call.stop.stop_requested()) {
    return fail({.message = "the daemon is shutting down", .reason = "shutting_down", .retryable = true});
  }
  if (std::chrono::steady_clock::now() >= call.deadline) return fail(timeout_error(name));
  auto result = [&] {
    if constexpr (std::is_same_v<Params, NoParams>) {
      return (service.*kMember)(call);
    } else {
      return (service.*kMember)(*params, call);
    }
  }();
  if (!result) return fail(std::move(result.error()));
  return to_result(std::move(*result));
}

constexpr ErrorDoc kNotFound{code::kApplication, "database not found: <path>", "not_found"};

Method start_method() {
  return {
      .name = "start",
      .alias = {},
      .summary = "Start replication for a database.",
      .params = describe<StartParams>(),
      .result = describe<StartResult>(),
      .waits = true,
      .errors = {kNotFound,
                 {code::kApplication, "database already enabled: <path>", "already_enabled"},
                 {code::kApplication, "database has no replica configured: <path>", "no_replica"},
                 {code::kApplication, "failed to load config: <detail>", "invalid_config"},
                 {code::kApplication, "started, but <config file> could not be changed: <detail>", "persist_failed"},
                 {code::kTimeout, "timeout waiting for start", "timed_out"}},
      .example_params = R"({"path": "/data/app.db", "wait": true, "timeout": 30})",
      .example_result = R"({"status": "started", "path": "/data/app.db"})",
      .invoke = [](Service& s, const json::object& p,
                   const Arrival& a) { return call<StartParams, &Service::start>(s, p, a, "start"); },
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
      .waits = true,
      .errors = {kNotFound,
                 {code::kApplication, "database already disabled: <path>", "already_disabled"},
                 {code::kApplication, "stopped, but the final upload failed: <detail>", "upload_failed"},
                 {code::kApplication, "stopped, but <config file> could not be changed: <detail>", "persist_failed"},
                 {code::kTimeout, "timeout waiting for stop", "timed_out"}},
      .example_params = R"({"path": "/data/app.db", "timeout": 60})",
      .example_result = R"({"status": "stopped", "path": "/data/app.db", "txid": 42})",
      .invoke = [](Service& s, const json::object& p,
                   const Arrival& a) { return call<StopParams, &Service::stop>(s, p, a, "stop"); },
  };
}

Method sync_method() {
  return {
      .name = "sync",
      .alias = {},
      .summary = "Force an immediate sync of pending changes.",
      .params = describe<SyncParams>(),
      .result = describe<SyncResult>(),
      .waits = true,
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

Method status_method() {
  return {
      .name = "status",
      .alias = {},
      .summary = "Query the replication status of a database.",
      .params = describe<StatusParams>(),
      .result = describe<DatabaseEntry>(),
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
      .params = {},
      .result = describe<DatabaseEntry>(),
      .result_is_array = true,
      .errors = {},
      .example_params = {},
      .example_result =
          R"([{"path": "/data/app.db", "status": "open"}, {"path": "/data/tenant1.db", "status": "closed"}])",
      .invoke = [](Service& s, const json::object& p,
                   const Arrival& a) { return call<NoParams, &Service::list>(s, p, a, "list"); },
  };
}

Method info_method() {
  return {
      .name = "info",
      .alias = {},
      .summary = "Show daemon information.",
      .params = {},
      .result = describe<InfoResult>(),
      .errors = {},
      .example_params = {},
      .example_result = R"({"version": "v0.1.0", "pid": 1234, "config_path": "/etc/litestream.yml", )"
                        R"("socket_path": "/var/run/litestream.sock", "http_addr": "localhost:9090", )"
                        R"("persist_to_config": false, "databases": 2, "open_databases": 1, )"
                        R"("started_at": "2024-01-01T00:00:00Z", "sqlite_version": "3.40.1"})",
      .invoke = [](Service& s, const json::object& p,
                   const Arrival& a) { return call<NoParams, &Service::info>(s, p, a, "info"); },
  };
}

}  // namespace

std::span<const Method> methods() {
  static const std::vector<Method> table{start_method(),  stop_method(), sync_method(),
                                         status_method(), list_method(), info_method()};
  return table;
}

const Method* find_method(std::string_view name) {
  const std::span<const Method> table = methods();
  const auto found = std::find_if(table.begin(), table.end(), [&](const Method& method) {
    return method.name == name || (!method.alias.empty() && method.alias == name);
  });
  return found == table.end() ? nullptr : &*found;
}

Result<json::value> invoke(const Method& method, Service& service, const json::value& params, const Arrival& arrival) {
  if (params.is_object()) return method.invoke(service, params.get_object(), arrival);
  const bool empty_list = method.params.empty() && params.is_array() && params.get_array().empty();
  if (params.is_null() || empty_list) return method.invoke(service, {}, arrival);
  return fail(invalid_params("params must be an object"));
}

milliseconds working_time(milliseconds timeout) { return std::max(timeout - kMargin, timeout / 2); }

}  // namespace control

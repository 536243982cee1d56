#include "control/methods.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fstream>
#include <sstream>

#include "control/dispatcher.hpp"
#include "control/fixture.hpp"
#include "methods/api_fields.hpp"

namespace json = boost::json;
using control::Arrival;
using control::Dispatcher;
using control_test::FakeService;
using namespace std::chrono_literals;

namespace {

struct Table {
  FakeService service;
  Dispatcher dispatcher{service};

  json::value call(const std::string& method, const std::string& params, const Arrival& arrival = {}) {
    const std::string with = params.empty() ? "" : ", \"params\": " + params;
    const auto reply = dispatcher.handle(R"({"method": ")" + method + "\"" + with + R"(, "id": 1})", arrival);
    REQUIRE(reply);
    return json::parse(*reply);
  }
  std::string result(const std::string& method, const std::string& params) {
    return json::serialize(call(method, params).at("result"));
  }
  std::string error(const std::string& method, const std::string& params, const Arrival& arrival = {}) {
    const json::value reply = call(method, params, arrival);
    INFO(method << " " << params << " → " << json::serialize(reply));
    REQUIRE(reply.as_object().contains("error"));
    const json::value& error = reply.at("error");
    return std::to_string(error.at("code").as_int64()) + " " + error.at("message").as_string().c_str();
  }
};

bool needs_something(const control::Method& method) {
  return std::any_of(method.params.begin(), method.params.end(),
                     [](const control::Field& field) { return field.required; });
}

}  // namespace

TEST_CASE_METHOD(Table, "results have the keys of the page in its order") {
  CHECK(result("start", R"({"path": "/b.db"})") == R"({"status":"started","path":"/b.db","changed":true})");
  CHECK(result("stop", R"({"path": "/b.db"})") == R"({"status":"stopped","path":"/b.db","txid":42,"changed":true})");
  CHECK(result("register", R"({"path": "/c.db", "replica_url": "file:///r"})") ==
        R"({"status":"registered","path":"/c.db","changed":true})");
  CHECK(result("register", R"({"path": "/a.db", "replica_url": "file:///r"})") ==
        R"({"status":"already_registered","path":"/a.db","changed":false})");
  CHECK(result("unregister", R"({"path": "/b.db"})") ==
        R"({"status":"unregistered","path":"/b.db","txid":42,"changed":true})");
  CHECK(result("unregister", R"({"path": "/c.db"})") ==
        R"({"status":"already_unregistered","path":"/c.db","txid":0,"changed":false})");
  CHECK(result("txid", R"({"path": "/a.db"})") == R"({"txid":42})");
  CHECK(result("sync_status", R"({"path": "/b.db"})") == R"([{"path":"/b.db","active":false,"status":"closed"}])");
  CHECK(
      result("sync_status", "") ==
      R"([{"path":"/a.db","active":true,"operation":"sync","txid":42,"wal_size":4152,"error":"disk full","status":"open",)"
      R"("replicated_txid":41,"last_sync_at":"2024-01-01T00:00:00.5Z"},)"
      R"({"path":"/b.db","active":false,"status":"closed"}])");
  CHECK(result("sync", R"({"path": "/b.db"})") ==
        R"({"status":"synced","path":"/b.db","txid":42,"replicated_txid":41,"changed":true})");
  CHECK(result("status", R"({"path": "/a.db"})") == R"({"path":"/a.db","status":"open"})");
  const std::string list = R"([{"path":"/a.db","status":"open"},{"path":"/b.db","status":"closed"}])";
  CHECK(result("list", "") == list);
  CHECK(result("databases", "{}") == list);
  CHECK(result("list", "[]") == list);
  CHECK(result("info", "null") ==
        R"({"version":"v0","pid":1,"config_path":"/c.yml","socket_path":"/s","http_addr":"h:1",)"
        R"("persist_to_config":false,"databases":2,"open_databases":1,)"
        R"("started_at":"2024-01-01T00:00:00Z"})");
}

TEST_CASE_METHOD(Table, "details come behind the members of the page, and only when asked for") {
  const std::string details =
      R"(,"txid":43,"replicated_txid":42,"lag_seconds":1.5E0,"database_bytes":8192,"wal_bytes":4152,)"
      R"("replica":"file:///r","last_sync_at":"2024-01-01T00:00:00Z",)"
      R"("last_error":{"code":"unavailable","message":"no route"},"replica_state":"failing"})";
  CHECK(result("status", R"({"path": "/a.db", "details": true})") == R"({"path":"/a.db","status":"open")" + details);
  CHECK(result("status", R"({"path": "/a.db", "details": false})") == R"({"path":"/a.db","status":"open"})");
  CHECK(result("list", R"({"details": true})") ==
        R"([{"path":"/a.db","status":"open")" + details + R"(,{"path":"/b.db","status":"closed"}])");
}

TEST_CASE_METHOD(Table, "parameters reach the service") {
  result("start", R"({"path": "/b.db", "config": "/x.yml"})");
  result("start", R"({"path": "/b.db", "config": null, "wait": false, "timeout": null})");
  result("sync", R"({"path": "/b.db", "wait": false})");
  result("stop", R"({"path": "/b.db", "persist": true})");
  result("start", R"({"path": "/b.db", "persist": false})");
  result("register", R"({"path": "/c.db", "replica_url": "file:///r", "persist": true})");
  result("unregister", R"({"path": "/c.db", "persist": null})");
  CHECK(service.calls() == std::vector<std::string>{"start /b.db /x.yml", "start /b.db -", "sync /b.db",
                                                    "stop /b.db persist", "start /b.db - no-persist",
                                                    "register /c.db file:///r persist", "unregister /c.db"});
}

TEST_CASE_METHOD(Table, "parameters are checked, method by method") {
  for (const control::Method& method : control::methods()) {
    const std::string name(method.name);
    INFO(name);
    json::object strange{{"foo", 1}};
    for (const control::Field& field : method.params)
      if (field.required) strange[field.name] = "/a.db";
    CHECK(error(name, json::serialize(strange)) == "-32602 unknown parameter: foo");
    CHECK(error(name, R"(["/a.db"])") == "-32602 params must be an object");
    if (!needs_something(method)) continue;
    CHECK(error(name, "[]") == "-32602 params must be an object");
    for (const control::Field& field : method.params) {
      const std::string key(field.name);
      json::object others;
      for (const control::Field& other : method.params)
        if (other.required && other.name != field.name) others[other.name] = "/b.db";
      const auto with = [&](const std::string& value) {
        json::object params = others;
        params[key] = json::parse(value);
        return json::serialize(params);
      };
      if (field.required) {
        CHECK(error(name, json::serialize(others)) == "-32602 " + key + " required");
        CHECK(error(name, with("null")) == "-32602 " + key + " required");
      }
      if (field.type == "string") {
        CHECK(error(name, with("\"\"")) == "-32602 " + key + " required");
        CHECK(error(name, with("7")) == "-32602 " + key + " must be a string");
        CHECK(error(name, with(R"("/a\u0000b")")) == "-32602 invalid " + key + ": contains a null byte");
      }
      if (field.type == "boolean") CHECK(error(name, with("1")) == "-32602 " + key + " must be a boolean");
      if (field.type != "number") continue;
      CHECK(error(name, with("\"30\"")) == "-32602 " + key + " must be a number of seconds");
      const bool is_time = key == "deadline";
      for (const char* out_of_range : {"-1", "-0.001", is_time ? "0" : "86401", "1e300", "18446744073709551615"}) {
        CHECK(error(name, with(out_of_range)) ==
              "-32602 " + key +
                  (is_time ? " must be a time in seconds since 1970" : " must be from 0 to 86400 seconds"));
      }
    }
  }
  CHECK(error("start", R"({"path": "/b.db", "config": ""})") == "-32602 config required");
  CHECK(service.calls().empty());
}

TEST_CASE_METHOD(Table, "errors of the service, of its exceptions, and of unknown methods") {
  CHECK(error("start", R"({"path": "/c.db"})") == "-32001 database not found: /c.db");
  CHECK(error("start", R"({"path": "/a.db"})") == "-32001 database already enabled: /a.db");
  CHECK(error("start", R"({"path": "/throw.db"})") == "-32603 Internal error");
  CHECK(error("start", R"({"path": "/throw-int.db"})") == "-32603 Internal error");
  CHECK(error("START", R"({"path": "/a.db"})") == "-32601 Method not found");
  CHECK(error("", "") == "-32601 Method not found");
  CHECK(error("rpc.describe", "") == "-32601 Method not found");
  const json::value reply = call("start", R"({"path": "/a.db"})");
  CHECK(reply.at("error").at("data") ==
        (json::object{{"reason", "already_enabled"}, {"hint", "none"}, {"retryable", false}}));
}

TEST_CASE_METHOD(Table, "notifications are carried out and not answered") {
  CHECK_FALSE(dispatcher.handle(R"({"method": "stop", "params": {"path": "/b.db"}})"));
  CHECK_FALSE(dispatcher.handle(R"([{"method": "list"}, {"method": "nope"}, {"method": "start"}])"));
  CHECK(service.calls() == std::vector<std::string>{"stop /b.db", "list"});
}

TEST_CASE_METHOD(Table, "a batch is answered in its order") {
  const auto reply = dispatcher.handle(
      R"([{"method": "list", "id": 1}, {"method": "info"}, 5, {"method": "stop", "params": {"path": "/b.db"}, "id": "x"}])");
  REQUIRE(reply);
  const json::value replies = json::parse(*reply);
  REQUIRE(replies.as_array().size() == 3);
  CHECK(replies.at(0).at("id") == 1);
  CHECK(replies.at(1).at("error").at("code") == -32600);
  CHECK(replies.at(2).at("id") == "x");
  CHECK(service.calls() == std::vector<std::string>{"list", "info", "stop /b.db"});
}

TEST_CASE_METHOD(Table, "deadlines leave the reply time to travel") {
  CHECK(control::working_time(30s) == 29'750ms);
  CHECK(control::working_time(500ms) == 250ms);
  CHECK(control::working_time(300ms) == 150ms);
  CHECK(control::working_time(0ms) == 0ms);

  const Arrival arrival;
  call("stop", R"({"path": "/b.db"})", arrival);
  CHECK(service.last_call().deadline == arrival.at + 29'750ms);
  call("stop", R"({"path": "/b.db", "timeout": 0})", arrival);
  CHECK(service.last_call().deadline == arrival.at + 29'750ms);
  call("sync", R"({"path": "/b.db", "timeout": 2.5})", arrival);
  CHECK(service.last_call().deadline == arrival.at + 2'250ms);
  call("sync", R"({"path": "/b.db", "timeout": 86400})", arrival);
  CHECK(service.last_call().deadline == arrival.at + 86'400s - 250ms);
}

TEST_CASE_METHOD(Table, "what comes too late or into a shutdown does not reach the service") {
  CHECK(error("start", R"({"path": "/b.db", "wait": true, "timeout": 5})", {.at = Arrival().at - 6s}) ==
        "-32004 timeout waiting for start");
  std::stop_source source;
  source.request_stop();
  CHECK(error("list", "", {.stop = source.get_token()}) == "-32001 the daemon is shutting down");
  CHECK(service.calls().empty());
  CHECK(error("sync", R"({"path": "/b.db", "wait": true, "timeout": 0.02})") == "-32004 timeout waiting for sync");
}

TEST_CASE("the table agrees with the page") {
  std::vector<std::string_view> names;
  for (const control::Method& method : control::methods()) names.push_back(method.name);
  CHECK(names == std::vector<std::string_view>{"start", "stop", "sync", "status", "list", "info", "register",
                                               "unregister", "txid", "sync_status", "position", "wait", "watch",
                                               "config.validate", "config.diff", "config.reload", "log.level",
                                               "rpc.discover"});
  CHECK(control::find_method("databases") == control::find_method("list"));
  CHECK(control::find_method("") == nullptr);
  for (const control::Method& method : control::methods()) {
    INFO(method.name);
    // Examples are real: they decode, and their keys are documented.
    if (!method.example_params.empty() && !method.streams) {
      FakeService service;
      const auto outcome = control::invoke(method, service, json::parse(std::string(method.example_params)), {});
      if (!outcome) CHECK(outcome.error().message == "database not found: /data/app.db");
    }
    json::value example = json::parse(std::string(method.example_result));
    if (method.result_is_array) example = json::value(example.at(0));
    std::size_t at = 0;
    for (const auto& [key, value] : example.as_object()) {
      while (at < method.result.size() && method.result[at].name != std::string_view(key.data(), key.size())) ++at;
      CHECK(at < method.result.size());
    }
  }
}

TEST_CASE("help for the command line") {
  const control::Method& start = *control::find_method("start");
  CHECK(control::usage(start) == "start [OPTIONS] DB_PATH");
  CHECK(control::options_help(start) ==
        "  -config PATH         Path to config file with replica settings\n"
        "  -wait                Block until replication has started\n"
        "  -timeout SECONDS     Maximum wait time (default: 30)\n"
        "  -persist             Write the change into the configuration file, or not; else socket.persist-to-config "
        "decides\n"
        "  -dry-run             Only check whether it could be done, and say what it would change\n"
        "  -request-id ID       Repeated with the same ID, the call is done once\n"
        "  -deadline UNIX_TIME  When to give up at the latest, in seconds since 1970\n");
  CHECK(control::usage(*control::find_method("status")) == "status [OPTIONS] DB_PATH");
  CHECK(control::usage(*control::find_method("list")) == "list [OPTIONS]");
  CHECK(control::options_help(*control::find_method("list")) ==
        "  -details  Add positions, lag, sizes, replica, last error and requests\n");
  CHECK(control::usage(*control::find_method("info")) == "info");
  CHECK(control::options_help(*control::find_method("info")).empty());
}

TEST_CASE("docs/protocol.md is what the table says (else: control-docs > docs/protocol.md)") {
  const auto read = [](const std::string& name) {
    std::ifstream file(GOLDEN_DIR "/../../docs/" + name);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  };
  CHECK(read("protocol.md") == control::protocol_markdown() + "\n" + read("conformance.md"));
}

namespace {

json::value sample(const std::string& method, std::string_view key, const json::object& schema) {
  const json::value& type = schema.at("type");
  if (key == "request_id") return json::string("id of " + method);
  if (key == "deadline") return 4'000'000'000;
  if (type == "string") return "/b.db";
  if (type == "boolean") return false;
  if (type == "array") return json::array{"/b.db"};
  return 1;
}

bool has_type(const json::value& value, const json::value& type) {
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_bool();
  if (type == "integer") return value.is_int64() || value.is_uint64();
  if (type == "number") return value.is_number();
  if (type == "array") return value.is_array();
  return type == "object" && value.is_object();
}

void check_object(const json::value& value, const json::object& schema) {
  REQUIRE(value.is_object());
  for (const auto& [name, member] : value.as_object()) {
    INFO(name);
    REQUIRE(schema.at("properties").as_object().contains(name));
    CHECK(has_type(member, schema.at("properties").at(name).at("type")));
  }
  if (const json::value* required = schema.if_contains("required")) {
    for (const json::value& name : required->as_array()) CHECK(value.as_object().contains(name.as_string()));
  }
}

void check_result(const json::value& value, const json::object& schema) {
  REQUIRE(has_type(value, schema.at("type")));
  if (schema.at("type") == "object") return check_object(value, schema);
  for (const json::value& item : value.as_array()) check_object(item, schema.at("items").as_object());
}

}  // namespace

TEST_CASE_METHOD(Table, "rpc.discover names every method, its parameters and errors") {
  const json::value document = call("rpc.discover", "").at("result");
  CHECK(document.at("openrpc") == "1.3.2");
  std::size_t names = 0;
  for (const json::value& entry : document.at("methods").as_array()) {
    const std::string name = entry.at("name").as_string().c_str();
    INFO(name);
    ++names;
    const control::Method* method = control::find_method(name);
    REQUIRE(method != nullptr);
    const json::array& params = entry.at("params").as_array();
    REQUIRE(params.size() == method->params.size());
    for (std::size_t i = 0; i < params.size(); ++i) {
      CHECK(params[i].at("name").as_string() == method->params[i].name);
      CHECK(params[i].at("required").as_bool() == method->params[i].required);
    }
    const json::value* errors = entry.as_object().if_contains("errors");
    CHECK((errors != nullptr ? errors->as_array().size() : 0) == method->errors.size());
  }
  std::size_t known = 0;
  for (const control::Method& method : control::methods()) known += method.alias.empty() ? 1 : 2;
  CHECK(names == known);
}

TEST_CASE_METHOD(Table, "every method can be called by what rpc.discover says, and answers so") {
  const json::value document = call("rpc.discover", "").at("result");
  for (const json::value& entry : document.at("methods").as_array()) {
    const std::string name = entry.at("name").as_string().c_str();
    json::object all;
    json::object needed;
    for (const json::value& param : entry.at("params").as_array()) {
      const json::string& key = param.at("name").as_string();
      all[key] = sample(name, key, param.at("schema").as_object());
      if (param.at("required").as_bool()) needed[key] = all[key];
      if (const json::value* value = param.at("schema").as_object().if_contains("default")) {
        CHECK(has_type(*value, param.at("schema").at("type")));
      }
    }
    const json::object& schema = entry.at("result").at("schema").as_object();
    for (const json::object& params : {all, needed}) {
      const std::string text = json::serialize(params);
      INFO(name << " " << text);
      std::shared_ptr<control::EventSource> stream;
      Arrival arrival;
      arrival.stream = &stream;
      const json::value reply = call(name, text, arrival);
      CHECK((stream != nullptr) == control::find_method(name)->streams);
      REQUIRE(reply.as_object().contains("result"));
      check_result(reply.at("result"), schema);
    }
    json::object strange = all;
    strange["no such parameter"] = 1;
    CHECK(error(name, json::serialize(strange)) == "-32602 unknown parameter: no such parameter");
    for (const auto& [key, value] : needed) {
      json::object less = needed;
      less.erase(key);
      CHECK(error(name, json::serialize(less)) == "-32602 " + std::string(key) + " required");
    }
  }
}

TEST_CASE_METHOD(Table, "position, wait and watch take what they say, and no more") {
  CHECK(result("position", R"({"path": "/b.db"})") ==
        R"({"path":"/b.db","txid":43,"replicated_txid":42,"lag_bytes":8320,"lag_seconds":5E-1})");
  CHECK(result("wait", R"({"path": "/b.db", "txid": 7})") ==
        R"({"status":"durable","path":"/b.db","replicated_txid":42})");
  CHECK(service.calls().back() == "wait /b.db 7");
  CHECK(error("wait", R"({"path": "/b.db", "txid": -1})") == "-32602 txid must be a whole number, 0 or more");
  CHECK(error("wait", R"({"path": "/b.db", "txid": 1.5})") == "-32602 txid must be a whole number, 0 or more");
  CHECK(error("wait", R"({"path": "/b.db", "txid": "7"})") == "-32602 txid must be a whole number, 0 or more");
  CHECK(error("watch", R"({"paths": "/b.db"})") == "-32602 paths must be a list of strings");
  CHECK(error("watch", R"({"kinds": [1]})") == "-32602 kinds must be a list of strings");
  std::string many = "\"/0\"";
  for (int n = 0; n < 100; ++n) many += ",\"/a\"";
  CHECK(error("watch", R"({"paths": [)" + many + "]}") == "-32602 paths must have at most 100 items");
  // Where nothing can follow the result: in a batch, over POST.
  CHECK(error("watch", "{}") == "-32600 watch needs a connection of its own");
}

TEST_CASE_METHOD(Table, "a watcher sees the events of its own databases only") {
  std::shared_ptr<control::EventSource> stream;
  Arrival arrival;
  arrival.stream = &stream;
  arrival.caller = std::make_shared<control::Principal>(
      control::Principal{.name = "tenant", .role = control::Role::read, .databases = {"/t/*"}, .pid = {}});
  call("watch", "{}", arrival);
  REQUIRE(stream != nullptr);
  for (int n = 0; n < 10; ++n) service.events->publish("synced", n % 5 == 0 ? "/t/own.db" : "/other.db");
  const auto seen = stream->take(3);
  REQUIRE(seen);
  REQUIRE(seen->size() == 2);  // fewer than asked for: that was all
  CHECK(seen->at(0).path == "/t/own.db");
  CHECK(seen->at(1).seq == 6);
}

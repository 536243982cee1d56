// The peer's REST routes. What is expected here was seen with Litestream 0.5.17; tests/interop compares with it live.
#include "http/rest.hpp"

#include "control/fixture.hpp"
#include "http/rest_json.hpp"
#include "http/router.hpp"

namespace json = boost::json;
using control::HttpRequest;
using control::HttpResponse;
using control::Transport;
using namespace std::chrono_literals;

namespace {

struct Routes {
  control_test::FakeService service;
  control::Router router{
      {.invoke = [this](std::string_view name, const json::object& params, const control::Arrival& arrival) {
        return control::invoke(*control::find_method(name), service, params, arrival);
      }}};

  HttpResponse ask(const std::string& method, const std::string& path, const std::string& body = {},
                   const std::string& query = {}, Transport transport = Transport::unix_socket) {
    const HttpRequest request{.method = method,
                              .path = path,
                              .query = query,
                              .headers = {{"Host", "localhost"}},
                              .body = body,
                              .transport = transport,
                              .received = received};
    const control::Route route = router.route(request);
    if (const auto* response = std::get_if<HttpResponse>(&route)) return *response;
    REQUIRE(std::holds_alternative<control::RouteToHandler>(route));
    may_wait = std::get<control::RouteToHandler>(route).may_wait;
    return std::get<control::RouteToHandler>(route).run(request);
  }
  // "STATUS BODY" of what must be JSON with a line end.
  std::string json_of(const HttpResponse& response) {
    CHECK(response.content_type == "application/json");
    REQUIRE(response.body.ends_with("\n"));
    return std::to_string(response.status) + " " + response.body.substr(0, response.body.size() - 1);
  }
  std::string post(const std::string& path, const std::string& body) { return json_of(ask("POST", path, body)); }
  std::string get(const std::string& path, const std::string& query = {}) {
    return json_of(ask("GET", path, {}, query));
  }

  std::chrono::steady_clock::time_point received = std::chrono::steady_clock::now();
  bool may_wait = false;
};

constexpr const char* kCommands[] = {"/start", "/stop", "/sync", "/register", "/unregister"};
constexpr const char* kQueries[] = {"/list", "/info", "/txid", "/debug/sync-status"};

}  // namespace

TEST_CASE_METHOD(Routes, "start and stop, also of what is so already") {
  CHECK(post("/start", R"({"path":"/b.db","timeout":30})") == R"(200 {"status":"started","path":"/b.db","txid":0})");
  CHECK(may_wait);
  CHECK(post("/start", R"({"path":"/a.db"})") == R"(200 {"status":"already_running","path":"/a.db","txid":42})");
  CHECK(post("/stop", R"({"path":"/a.db"})") == R"(200 {"status":"stopped","path":"/a.db","txid":42})");
  service.stop_error = control::Error{.message = "database already disabled: /b.db", .reason = "already_disabled"};
  CHECK(post("/stop", R"({"path":"/b.db"})") == R"(200 {"status":"already_stopped","path":"/b.db","txid":0})");
  service.stop_error = control::Error{.message = "stopped, but the final upload failed: no", .reason = "upload_failed"};
  CHECK(post("/stop", R"({"path":"/b.db"})") == R"(500 {"error":"stopped, but the final upload failed: no"})");
  for (const std::string path : {"/start", "/stop"})
    CHECK(post(path, R"({"path":"/c.db"})") == R"(500 {"error":"database not found: /c.db"})");
}

TEST_CASE_METHOD(Routes, "sync") {
  CHECK(post("/sync", R"({"path":"/a.db"})") ==
        R"(200 {"status":"synced","path":"/a.db","txid":42,"replicated_txid":41})");
  service.open_gate();
  post("/sync", R"({"path":"/a.db","wait":true})");
  CHECK(service.calls() == std::vector<std::string>{"sync /a.db", "sync /a.db wait"});
  CHECK(post("/sync", R"({"path":"/<a&b>.db"})") == R"(404 {"error":"database not found: /\u003ca\u0026b\u003e.db"})");
  service.sync_error = control::Error{.message = "database not open: /a.db", .reason = "not_open"};
  CHECK(post("/sync", R"({"path":"/a.db"})") == R"(409 {"error":"database not open: /a.db"})");
  service.sync_error = control::Error{.message = "sync failed: no space", .reason = "sync_failed"};
  CHECK(post("/sync", R"({"path":"/a.db"})") == R"(500 {"error":"sync database: no space"})");
  service.sync_error = control::timeout_error("sync");
  CHECK(post("/sync", R"({"path":"/a.db"})") == R"(500 {"error":"timeout waiting for sync"})");
  service.sync_error = control::Error{.message = "database has no replica", .reason = "no_replica"};
  CHECK(post("/sync", R"({"path":"/a.db"})") == R"(500 {"error":"database has no replica"})");
  service.sync_error = control::Error{.message = "the daemon is shutting down", .reason = "shutting_down"};
  CHECK(post("/sync", R"({"path":"/a.db"})") == R"(503 {"error":"the daemon is shutting down"})");
}

TEST_CASE_METHOD(Routes, "register and unregister") {
  CHECK(post("/register", R"({"path":"/c.db","replica_url":"file:///r"})") ==
        R"(200 {"status":"registered","path":"/c.db"})");
  CHECK(post("/register", R"({"path":"/a.db","replica_url":"file:///r"})") ==
        R"(200 {"status":"already_registered","path":"/a.db"})");
  CHECK(post("/register", R"({"path":"/c.db"})") == R"(400 {"error":"replica_url required"})");
  CHECK(post("/register", R"({"path":"/c.db","replica_url":null})") == R"(400 {"error":"replica_url required"})");
  CHECK(post("/register", R"({"path":"/c.db","replica_url":7})") ==
        R"(400 {"error":"invalid request body","details":"replica_url must be a string, not a number"})");
  service.register_error = control::Error{.message = "invalid replica url: zz", .reason = "invalid_replica_url"};
  CHECK(post("/register", R"({"path":"/c.db","replica_url":"zz"})") == R"(400 {"error":"invalid replica url: zz"})");
  service.register_error = control::Error{.message = "failed to register database: taken", .reason = "register_failed"};
  CHECK(post("/register", R"({"path":"/c.db","replica_url":"zz"})") ==
        R"(500 {"error":"failed to register database: taken"})");
  CHECK(post("/unregister", R"({"path":"/a.db"})") == R"(200 {"status":"unregistered","path":"/a.db","txid":42})");
  CHECK(post("/unregister", R"({"path":"/c.db","timeout":0})") ==
        R"(200 {"status":"already_unregistered","path":"/c.db","txid":0})");
}

TEST_CASE_METHOD(Routes, "queries") {
  CHECK(get("/list") ==
        R"(200 {"databases":[{"path":"/a.db","status":"replicating","last_sync_at":"2024-01-01T00:00:00.5Z"},)"
        R"({"path":"/b.db","status":"stopped"}]})");
  CHECK_FALSE(may_wait);
  CHECK(get("/info") ==
        R"(200 {"version":"0","pid":1,"uptime_seconds":0,"started_at":"2024-01-01T00:00:00Z","database_count":2})");
  CHECK(get("/txid", "path=/a.db") == R"(200 {"txid":42})");
  CHECK(get("/txid", "x=1&path=%2Fa.db") == R"(200 {"txid":42})");
  CHECK(get("/txid", "path=/no+such%20file") == R"(404 {"error":"database not found"})");
  CHECK(service.calls().back() == "txid /no such file");
  for (const std::string query : {"", "path", "path=", "path=%zz", "path=%2", "paths=/a.db"})
    CHECK(get("/txid", query) == R"(400 {"error":"path required"})");
  const std::string a =
      R"({"path":"/a.db","active":true,"operation":"sync","txid":42,"wal_size":4152,"error":"disk full"})";
  CHECK(get("/debug/sync-status") == R"(200 {"databases":[)" + a + R"(,{"path":"/b.db","active":false}]})");
  CHECK(get("/debug/sync-status", "path=") == get("/debug/sync-status"));
  CHECK(get("/debug/sync-status", "path=/a.db") == R"(200 {"databases":[)" + a + "]}");
  CHECK(get("/debug/sync-status", "path=/c.db") == R"(404 {"error":"database not found"})");
}

TEST_CASE_METHOD(Routes, "bodies are read as the peer reads them") {
  const std::string unreadable = R"(400 {"error":"invalid request body","details":)";
  for (const std::string path : kCommands) {
    INFO(path);
    CHECK(post(path, "") == unreadable + R"("EOF"})");
    CHECK(post(path, " \n ") == unreadable + R"("EOF"})");
    CHECK(post(path, "{") == unreadable + R"("unexpected EOF"})");
    CHECK(post(path, R"({"path":"/a.d)") == unreadable + R"("unexpected EOF"})");
    CHECK(post(path, "{]").starts_with(unreadable));
    CHECK(post(path, "\"\xff\"").starts_with(unreadable));
    CHECK(post(path, std::string(100'000, '[')).starts_with(unreadable));
    CHECK(post(path, "[]") == unreadable + R"("the body must be an object, not an array"})");
    CHECK(post(path, "12") == unreadable + R"("the body must be an object, not a number"})");
    CHECK(post(path, R"({"path":1})") == unreadable + R"("path must be a string, not a number"})");
    for (const char* no_path : {"null", "{}", R"({"path":""})", R"({"path":null})"})
      CHECK(post(path, no_path) == R"(400 {"error":"path required"})");
    if (path == "/register") continue;  // takes no timeout
    CHECK(post(path, R"({"path":"/a\u0000b"})").starts_with("400 "));
    CHECK(post(path, R"({"path":"/a.db","timeout":"9"})") ==
          unreadable + R"("timeout must be a whole number, not a string"})");
    CHECK(post(path, R"({"path":"/a.db","timeout":1.5})") == unreadable + R"("timeout must be a whole number"})");
  }
  CHECK(post("/sync", R"({"path":"/a.db","wait":1})") == unreadable + R"("wait must be a boolean, not a number"})");
  CHECK(service.calls().empty());
  CHECK(post("/start", R"({"Path":"/b.db","foo":{"x":1}} and more)").starts_with("200 "));
  CHECK(service.calls().back() == "start /b.db -");
}

TEST_CASE_METHOD(Routes, "timeouts count from the arrival; none, 0 and less are the default") {
  post("/stop", R"({"path":"/a.db","timeout":4})");
  CHECK(service.last_call().deadline == received + 4s - 250ms);
  for (const char* seconds : {"0", "-3"}) {
    post("/stop", std::string(R"({"path":"/a.db","timeout":)") + seconds + "}");
    CHECK(service.last_call().deadline == received + 30s - 250ms);
  }
  post("/stop", R"({"path":"/a.db","timeout":9999999999})");
  CHECK(service.last_call().deadline == received + 86'400s - 250ms);
  received -= 10s;
  CHECK(post("/stop", R"({"path":"/a.db","timeout":9})") == R"(500 {"error":"timeout waiting for stop"})");
}

TEST_CASE_METHOD(Routes, "other methods and paths") {
  const auto refused = [&](const std::string& method, const std::string& path) {
    const HttpResponse response = ask(method, path, "{}");
    CHECK(response.status == 405);
    CHECK(response.body == "Method Not Allowed\n");
    CHECK(response.content_type == "text/plain; charset=utf-8");
    REQUIRE(response.headers.size() == 2);
    CHECK(response.headers[1] == std::pair<std::string, std::string>("X-Content-Type-Options", "nosniff"));
    CHECK(response.headers[0].first == "Allow");
    return response.headers[0].second;
  };
  for (const std::string path : kCommands)
    for (const std::string method : {"GET", "HEAD", "PUT", "OPTIONS"}) CHECK(refused(method, path) == "POST");
  for (const std::string path : kQueries)
    for (const std::string method : {"POST", "DELETE", "OPTIONS"}) CHECK(refused(method, path) == "GET, HEAD");
  CHECK(ask("HEAD", "/list").status == 200);
  for (const std::string path : {"/", "/list/", "/start/", "/lists", "/debug/pprof/", "/debug"}) {
    CHECK(ask("GET", path).status == 404);
    CHECK(ask("GET", path).body == "404 page not found\n");
  }
  CHECK(service.calls() == std::vector<std::string>{"sync_status -"});
}

TEST_CASE_METHOD(Routes, "the routes are those of the Unix socket only") {
  for (const std::string path : kCommands)
    CHECK(ask("POST", path, R"({"path":"/a.db"})", {}, Transport::tcp).status == 404);
  for (const std::string path : kQueries) CHECK(ask("GET", path, {}, "path=/a.db", Transport::tcp).status == 404);
  CHECK(service.calls().empty());
}

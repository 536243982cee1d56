#include "control/server.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <future>
#include <thread>

#include "control/client.hpp"
#include "control/fixture.hpp"

using namespace control_test;
using control::HttpRequest;
using control::HttpResponse;
using control::Server;
using control::ServerOptions;

namespace {

const std::string kList = R"({"jsonrpc":"2.0","method":"list","id":1})";
const std::string kListReply =
    R"({"jsonrpc":"2.0","result":[{"path":"/a.db","status":"open"},{"path":"/b.db","status":"closed"}],"id":1})";
const std::string kSyncWait = R"({"method":"sync","params":{"path":"/a.db","wait":true},"id":7})";
const std::string kSyncReply =
    R"({"jsonrpc":"2.0","result":{"status":"synced","path":"/a.db","txid":42,"replicated_txid":41,"changed":true},"id":7})";

std::string post(const std::string& body, const std::string& more = {}) {
  return "POST /control/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + more +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string get(const std::string& path, const std::string& more = {}) {
  return "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + more + "\r\n";
}

std::string body_of(const std::string& response) { return response.substr(response.find("\r\n\r\n") + 4); }

struct Running {
  TempDir dir;
  FakeService service;
  ServerOptions options{.socket_path = dir / "s", .http_addr = "127.0.0.1:0"};
  std::optional<Server> server;

  void start() {
    auto started = Server::start(service, options);
    if (!started) FAIL(started.error().message);
    server.emplace(std::move(*started));
  }
  RawConnection local() { return RawConnection::unix_socket(options.socket_path); }
  RawConnection remote() { return RawConnection::tcp(server->http_addr()); }
};

std::string refusal(FakeService& service, ServerOptions options) {
  auto started = Server::start(service, std::move(options));
  REQUIRE_FALSE(started);
  return started.error().reason + ": " + started.error().message;
}

}  // namespace

TEST_CASE_METHOD(Running, "both protocols on the Unix socket, HTTP on TCP") {
  start();
  RawConnection bare = local();
  REQUIRE(bare.send(kList + "\n"));
  CHECK(bare.line() == kListReply + "\n");
  REQUIRE(bare.send("[" + kList + ",{\"method\":\"info\"}]"));
  CHECK(bare.line() == "[" + kListReply + "]\n");
  for (const bool tcp : {false, true}) {
    RawConnection http = tcp ? remote() : local();
    for (int i = 0; i < 2; ++i) {
      REQUIRE(http.send(post(kList)));
      const std::string response = http.response();
      CHECK(response.starts_with("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"));
      CHECK(body_of(response) == kListReply + "\n");
    }
    REQUIRE(http.send(post("{")));
    CHECK(body_of(http.response()).find("-32700") != std::string::npos);
    REQUIRE(http.send(post(R"({"method":"list"})")));
    CHECK(http.response() == "HTTP/1.1 204 No Content\r\n\r\n");
    REQUIRE(http.send(get("/control/")));
    CHECK(http.response().starts_with("HTTP/1.1 405 "));
    REQUIRE(http.send(get("/nothing")));
    CHECK(http.response().starts_with("HTTP/1.1 404 "));
  }
}

TEST_CASE_METHOD(Running, "a client that ends its side still gets its replies") {
  start();
  RawConnection connection = local();
  REQUIRE(connection.send(kList + kList));
  connection.end_of_requests();
  CHECK(connection.all() == kListReply + "\n" + kListReply + "\n");
}

TEST_CASE_METHOD(Running, "metrics, health and other routes") {
  options.metrics = [] { return std::string("up 1\n"); };
  options.health = [](const control::HealthQuery&) { return control::Health{.ok = false, .text = "lagging\n"}; };
  options.http = [](const HttpRequest& request) -> std::optional<HttpResponse> {
    if (request.path == "/throw") throw std::runtime_error("boom");
    if (request.path != "/other") return std::nullopt;
    const bool tcp = request.transport == control::Transport::tcp;
    return HttpResponse{.status = 409, .content_type = "application/json", .body = tcp ? "tcp" : request.query};
  };
  start();
  RawConnection connection = remote();
  REQUIRE(connection.send(get("/metrics")));
  const std::string metrics = connection.response();
  CHECK(metrics.find("Content-Type: text/plain; version=0.0.4") != std::string::npos);
  CHECK(body_of(metrics) == "up 1\n");
  REQUIRE(connection.send("HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" + get("/health")));
  CHECK(connection.until("\r\n\r\n").find("Content-Length: 5\r\n") != std::string::npos);
  CHECK(connection.response().starts_with("HTTP/1.1 503 "));
  REQUIRE(connection.send(get("/other")));
  CHECK(body_of(connection.response()) == "tcp");
  REQUIRE(connection.send(get("/throw")));
  CHECK(connection.response().starts_with("HTTP/1.1 500 "));
  RawConnection unix_side = local();
  REQUIRE(unix_side.send("GET /other?path=%2Fa HTTP/1.1\r\n\r\n"));
  const std::string response = unix_side.response();
  CHECK(response.starts_with("HTTP/1.1 409 Conflict\r\n"));
  CHECK(body_of(response) == "path=%2Fa");
}

TEST_CASE_METHOD(Running, "web pages and rebound names are refused on TCP") {
  start();
  RawConnection connection = remote();
  REQUIRE(connection.send(post(kList, "Origin: http://evil.example\r\n")));
  CHECK(connection.response().starts_with("HTTP/1.1 403 "));
  REQUIRE(connection.send("POST /control/ HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 2\r\n\r\n{}"));
  CHECK(connection.response().starts_with("HTTP/1.1 403 "));
  CHECK(service.calls().empty());
}

TEST_CASE_METHOD(Running, "waiting calls hold nobody else up") {
  options.workers = 4;
  start();
  std::vector<RawConnection> waiting;
  for (int i = 0; i < 12; ++i) {  // three times as many as there are workers
    waiting.push_back(local());
    REQUIRE(waiting.back().send(kSyncWait));
  }
  REQUIRE(service.wait_for_waiting(4));
  for (const std::string& request : {kList, std::string(R"({"method":"info","id":1})"),
                                     std::string(R"({"method":"status","params":{"path":"/a.db"},"id":1})")}) {
    RawConnection other = local();
    REQUIRE(other.send(request));
    CHECK(other.line().find("\"result\"") != std::string::npos);
  }
  service.open_gate();
  for (RawConnection& connection : waiting) CHECK(connection.line() == kSyncReply + "\n");
}

TEST_CASE_METHOD(Running, "each waiting call has a thread, up to the limit") {
  start();
  std::vector<RawConnection> waiting;
  for (int i = 0; i < 32; ++i) {
    waiting.push_back(local());
    REQUIRE(waiting.back().send(kSyncWait));
  }
  CHECK(service.wait_for_waiting(32));
  service.open_gate();
  for (RawConnection& connection : waiting) CHECK(connection.line() == kSyncReply + "\n");
}

TEST_CASE_METHOD(Running, "replies on one connection keep the order of the requests") {
  start();
  RawConnection connection = local();
  REQUIRE(connection.send(kSyncWait + kList));
  REQUIRE(service.wait_for_waiting(1));
  CHECK(service.calls() == std::vector<std::string>{"sync /a.db wait"});
  service.open_gate();
  CHECK(connection.line() == kSyncReply + "\n");
  CHECK(connection.line() == kListReply + "\n");
}

TEST_CASE_METHOD(Running, "the true error arrives before the client's timeout") {
  start();
  const auto began = std::chrono::steady_clock::now();
  RawConnection connection = local();
  REQUIRE(connection.send(R"({"method":"start","params":{"path":"/b.db","wait":true,"timeout":0.6},"id":1})"));
  CHECK(connection.line().find("timeout waiting for start") != std::string::npos);
  CHECK(service.last_call().deadline - began < 600ms + kPatience);
  CHECK(service.last_call().deadline - began >= 350ms);
}

TEST_CASE_METHOD(Running, "what a client asked for is finished when it hangs up") {
  start();
  {
    RawConnection connection = local();
    REQUIRE(connection.send(kSyncWait));
    REQUIRE(service.wait_for_waiting(1));
  }
  service.open_gate();
  CHECK(service.wait_for_finished(1));
  RawConnection other = local();
  REQUIRE(other.send(kList));
  CHECK(other.line() == kListReply + "\n");
}

TEST_CASE_METHOD(Running, "many clients at once") {
  start();
  constexpr int kClients = 16;
  constexpr int kCalls = 50;
  std::vector<std::future<int>> clients;
  clients.reserve(kClients);
  for (int c = 0; c < kClients; ++c) {
    clients.push_back(std::async(std::launch::async, [this, c] {
      auto client = control::Client::connect(c % 2 == 0 ? options.socket_path : "http://" + server->http_addr());
      int good = 0;
      for (int i = 0; client && i < kCalls; ++i) {
        const auto result = i % 2 == 0 ? client->call("list") : client->call("stop", {{"path", "/a.db"}});
        good += result ? 1 : 0;
      }
      return good;
    }));
  }
  for (auto& client : clients) CHECK(client.get() == kCalls);
  CHECK(service.calls().size() == std::size_t{kClients} * kCalls);
}

TEST_CASE_METHOD(Running, "a line without an end is refused early") {
  start();
  RawConnection connection = local();
  REQUIRE(connection.send("{\"x\": \""));
  const std::string megabyte(1 << 20, 'x');
  std::size_t sent = 0;
  while (sent < (1U << 30) && !connection.readable(0ms) && connection.send(megabyte)) sent += megabyte.size();
  CHECK(sent < (16U << 20));
  CHECK(connection.line().find("too_large") != std::string::npos);
}

TEST_CASE_METHOD(Running, "a body that is too large is refused before it is sent") {
  start();
  RawConnection connection = remote();
  REQUIRE(connection.send("POST /control/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n"));
  CHECK(connection.response().starts_with("HTTP/1.1 413 "));
}

TEST_CASE_METHOD(Running, "slow clients are hung up on, quick ones are not") {
  options.limits.request_timeout = 100ms;
  start();
  for (const std::string& part :
       {std::string("{\"method\""), std::string("GET / HTT"), std::string("GET / HTTP/1.1\r\nHost: a"),
        post("{}").substr(0, post("{}").size() - 1)}) {
    RawConnection slow = local();
    REQUIRE(slow.send(part));
    CHECK(slow.all().empty());
  }
  // Single bytes do not buy time.
  RawConnection dribbling = local();
  REQUIRE(dribbling.send("["));
  while (!dribbling.readable(5ms)) dribbling.send(" ");
  CHECK(dribbling.all().empty());
  RawConnection quick = local();
  REQUIRE(quick.send(kList));
  CHECK(quick.line() == kListReply + "\n");
}

TEST_CASE_METHOD(Running, "idle connections are closed, also those that send blanks") {
  options.idle_timeout = 100ms;
  start();
  RawConnection silent = remote();
  CHECK(silent.all().empty());
  RawConnection blank = local();
  while (!blank.readable(5ms)) blank.send("\n");
  CHECK(blank.all().empty());
  RawConnection used = local();
  REQUIRE(used.send(kList));
  CHECK(used.all() == kListReply + "\n");
}

TEST_CASE_METHOD(Running, "a client that does not take its reply is hung up on") {
  options.write_timeout = 100ms;
  service.extra_entries = 100'000;
  start();
  RawConnection lazy = local();
  REQUIRE(lazy.send(kList + kSyncWait));
  // The second request is never reached, because the first reply is never taken.
  RawConnection other = local();
  REQUIRE(other.send(R"({"method":"info","id":1})"));
  CHECK(other.line().find("\"result\"") != std::string::npos);
  while (lazy.send(" ")) {
  }
  const std::vector<std::string> calls = service.calls();
  CHECK(std::count(calls.begin(), calls.end(), "list") == 1);
  CHECK(std::count(calls.begin(), calls.end(), "sync /a.db wait") == 0);
}

TEST_CASE_METHOD(Running, "large replies arrive whole") {
  service.extra_entries = 100'000;
  start();
  for (const std::string& target : {options.socket_path, "http://" + server->http_addr()}) {
    auto client = control::Client::connect(target);
    REQUIRE(client);
    const auto list = client->call("list");
    REQUIRE(list);
    CHECK(list->as_array().size() == 100'002);
  }
}

TEST_CASE_METHOD(Running, "beyond the limit the connection idle for longest goes") {
  options.limits.max_connections = 3;
  start();
  std::vector<RawConnection> connections;
  for (int i = 0; i < 3; ++i) {
    connections.push_back(local());
    REQUIRE(connections.back().send(kList));
    CHECK(connections.back().line() == kListReply + "\n");
  }
  RawConnection fourth = local();
  REQUIRE(fourth.send(kList));
  CHECK(fourth.line() == kListReply + "\n");
  CHECK(connections[0].all().empty());
  REQUIRE(connections[1].send(kList));
  CHECK(connections[1].line() == kListReply + "\n");
  RawConnection tcp = remote();  // has a limit of its own
  REQUIRE(tcp.send(post(kList)));
  CHECK(body_of(tcp.response()) == kListReply + "\n");
}

TEST_CASE_METHOD(Running, "clients that send half a request do not lock the others out") {
  options.limits.max_connections = 2;
  start();
  std::vector<RawConnection> halves;
  for (int i = 0; i < 3; ++i) {
    halves.push_back(local());
    REQUIRE(halves.back().send("{\"jsonrpc\""));
  }
  RawConnection other = local();
  REQUIRE(other.send(kList));
  CHECK(other.line() == kListReply + "\n");
  CHECK(halves[0].all().empty());
  CHECK(halves[1].all().empty());
}

TEST_CASE_METHOD(Running, "connections at work are not pushed out") {
  options.limits.max_connections = 2;
  start();
  RawConnection first = local();
  RawConnection second = local();
  REQUIRE(first.send(kSyncWait));
  REQUIRE(second.send(kSyncWait));
  REQUIRE(service.wait_for_waiting(2));
  RawConnection third = local();
  CHECK(third.all().empty());
  service.open_gate();
  CHECK(first.line() == kSyncReply + "\n");
  CHECK(second.line() == kSyncReply + "\n");
}

TEST_CASE_METHOD(Running, "the socket file: permissions, removal") {
  options.socket_permissions = GENERATE(0600U, 0660U, 0666U);
  const mode_t before = ::umask(GENERATE(0077U, 0U));
  start();
  ::umask(before);
  struct stat info{};
  REQUIRE(::stat(options.socket_path.c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == options.socket_permissions);
  server->stop();
  CHECK_FALSE(std::filesystem::exists(options.socket_path));
  server->stop();
}

TEST_CASE_METHOD(Running, "a stale socket file is replaced, a live one and other files are refused") {
  SECTION("stale") {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, options.socket_path.data(), options.socket_path.size());
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
    ::close(fd);
    REQUIRE(std::filesystem::exists(options.socket_path));
    start();
    RawConnection connection = local();
    REQUIRE(connection.send(kList));
    CHECK(connection.line() == kListReply + "\n");
    server->stop();
    CHECK(entries_of(std::filesystem::path(options.socket_path).parent_path().c_str()) == 0);
  }
  SECTION("live") {
    start();
    CHECK(refusal(service, {.socket_path = options.socket_path}) ==
          "address_in_use: another daemon listens on " + options.socket_path);
    RawConnection connection = local();
    REQUIRE(connection.send(kList));
    CHECK(connection.line() == kListReply + "\n");
  }
  SECTION("a file") {
    std::ofstream(options.socket_path) << "precious";
    CHECK(refusal(service, options) ==
          "invalid_address: failed to listen on unix " + options.socket_path + ": file exists and is no socket");
    CHECK(std::filesystem::file_size(options.socket_path) == 8);
  }
  SECTION("no directory, too long a path") {
    CHECK(refusal(service, {.socket_path = dir / "no/s"}).find("no such file or directory") != std::string::npos);
    CHECK(refusal(service, {.socket_path = dir / std::string(200, 'x')}).find("path is too long") != std::string::npos);
  }
}

TEST_CASE_METHOD(Running, "a socket file that is no longer ours is left alone") {
  start();
  std::filesystem::remove(options.socket_path);
  FakeService other_service;
  auto other = Server::start(other_service, {.socket_path = options.socket_path});
  REQUIRE(other);
  server->stop();
  RawConnection connection = local();
  REQUIRE(connection.send(kList));
  CHECK(connection.line() == kListReply + "\n");
}

TEST_CASE_METHOD(Running, "TCP addresses") {
  options.socket_path.clear();
  SECTION("forms") {
    options.http_addr = GENERATE("localhost:0", ":0", "127.0.0.1:0");
    const std::string configured = options.http_addr;
    start();
    CHECK(server->socket_path().empty());
    CHECK(server->http_addr() != configured);
    CHECK(server->http_addr().starts_with(configured.substr(0, configured.size() - 1)));
    RawConnection connection = remote();
    REQUIRE(connection.send(post(kList)));
    const std::string response = connection.response();
    if (configured == ":0") {  // all addresses, and nothing that tells callers apart
      CHECK(response.starts_with("HTTP/1.1 403 "));
      CHECK(body_of(response).find("control.insecure: true") != std::string::npos);
    } else {
      CHECK(body_of(response) == kListReply + "\n");
    }
  }
  SECTION("taken") {
    start();
    CHECK(refusal(service, {.http_addr = server->http_addr()}) ==
          "address_in_use: failed to listen on tcp " + server->http_addr() + ": address already in use");
    // And nothing is left behind of the other listener.
    CHECK(refusal(service, {.socket_path = dir / "s", .http_addr = server->http_addr()}).starts_with("address_in_use"));
    CHECK_FALSE(std::filesystem::exists(dir / "s"));
  }
  SECTION("nonsense") {
    for (const char* address : {"localhost", "localhost:", ":x", "::1:80", "h:65536", "h:-1", "256.0.0.1:0"}) {
      INFO(address);
      CHECK(refusal(service, {.http_addr = address}).starts_with("invalid_address: "));
    }
    CHECK(refusal(service, {}) == "invalid_address: nothing to listen on");
  }
}

TEST_CASE_METHOD(Running, "stop ends running calls, sends their replies and leaves no thread or descriptor") {
  RawConnection probe = [] {  // so that lazily opened descriptors are there before counting
    FakeService unused;
    TempDir scratch;
    auto warm = Server::start(unused, {.socket_path = scratch / "s", .http_addr = "127.0.0.1:0"});
    REQUIRE(warm);
    return RawConnection::unix_socket(scratch / "s");
  }();
  probe.close();
  const std::size_t threads = entries_of("/proc/self/task");
  const std::size_t descriptors = entries_of("/proc/self/fd");
  start();
  CHECK(entries_of("/proc/self/task") > threads);
  {
    RawConnection waiting = local();
    RawConnection over_http = remote();
    RawConnection idle = local();
    RawConnection partial = local();
    REQUIRE(waiting.send(kSyncWait));
    REQUIRE(over_http.send(post(kSyncWait)));
    REQUIRE(idle.send(kList));
    CHECK(idle.line() == kListReply + "\n");
    REQUIRE(partial.send("{"));
    REQUIRE(service.wait_for_waiting(2));
    const auto began = std::chrono::steady_clock::now();
    server->stop();
    CHECK(std::chrono::steady_clock::now() - began < 5s);
    CHECK(waiting.all().find("\"message\":\"interrupted\"") != std::string::npos);
    const std::string response = over_http.all();
    CHECK(response.find("Connection: close\r\n") != std::string::npos);
    CHECK(response.find("\"message\":\"interrupted\"") != std::string::npos);
    CHECK(idle.all().empty());
    CHECK(partial.all().empty());
  }
  CHECK(entries_of("/proc/self/task") == threads);
  server.reset();
  CHECK(entries_of("/proc/self/fd") == descriptors);
  CHECK(service.wait_for_finished(2));
}

TEST_CASE_METHOD(Running, "stop does not wait for a client that takes no reply") {
  options.stop_timeout = 100ms;
  service.extra_entries = 100'000;
  start();
  RawConnection lazy = local();
  REQUIRE(lazy.send(kList));
  REQUIRE(lazy.readable(kPatience));  // the reply has begun and does not fit
  const auto began = std::chrono::steady_clock::now();
  server->stop();
  CHECK(std::chrono::steady_clock::now() - began < 5s);
}

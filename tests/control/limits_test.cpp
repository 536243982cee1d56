// The limits as they are configured, on each transport; their defaults are in the tests of each part.
#include "control/access_fixture.hpp"
#include "http/router.hpp"

using namespace control_test;
using control::Router;
using control::Transport;

namespace {

struct Limited {
  TempDir dir;
  FakeService service;
  control::ServerOptions options{.socket_path = dir / "s", .http_addr = "127.0.0.1:0"};
  std::optional<control::Server> server;

  void start() {
    auto started = control::Server::start(service, options);
    if (!started) FAIL(started.error().message);
    server.emplace(std::move(*started));
  }
  std::string bare(const std::string& text) const {
    RawConnection connection = RawConnection::unix_socket(options.socket_path);
    REQUIRE(connection.send(text));
    return connection.line();
  }
  std::string http(const std::string& body) const {
    RawConnection connection = RawConnection::tcp(server->http_addr());
    REQUIRE(connection.send("POST /control/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                            std::to_string(body.size()) + "\r\n\r\n" + body));
    return connection.response();
  }
};

const std::string kInfo = R"({"method":"info","id":1})";

}  // namespace

TEST_CASE_METHOD(Limited, "size of a request") {
  options.limits.max_body = 64;
  start();
  const std::string fits = kInfo.substr(0, kInfo.size() - 1) + std::string(64 - kInfo.size(), ' ') + "}";
  CHECK(bare(fits).find("\"result\"") != std::string::npos);
  CHECK(http(fits).starts_with("HTTP/1.1 200 "));
  const std::string more = fits.substr(0, 63) + " }";
  CHECK(bare(more).find("request larger than 64 bytes") != std::string::npos);
  CHECK(http(more).starts_with("HTTP/1.1 413 "));
}

TEST_CASE_METHOD(Limited, "depth of JSON and calls in a batch") {
  options.limits.max_depth = 3;
  options.limits.max_batch = 2;
  start();
  const std::string fits = R"({"method":"info","params":{"a":[]},"id":1})";
  const std::string deep = R"({"method":"info","params":{"a":[[]]},"id":1})";
  const std::string two = "[" + kInfo + "," + kInfo + "]";
  const std::string three = "[" + kInfo + "," + kInfo + "," + kInfo + "]";
  CHECK(bare(fits).find("-32602") != std::string::npos);
  CHECK(http(fits).find("-32602") != std::string::npos);
  CHECK(bare(two).find("\"result\"") != std::string::npos);
  for (const std::string& reply : {bare(deep), http(deep)}) {
    CHECK(reply.find("request nested deeper than 3 levels") != std::string::npos);
  }
  for (const std::string& reply : {bare(three), http(three)}) {
    CHECK(reply.find("batch of more than 2 requests") != std::string::npos);
  }
}

TEST_CASE_METHOD(Limited, "values of JSON, which take more memory than their text") {
  options.limits.max_values = 8;
  start();
  const std::string fits = R"({"method":"info","params":{"a":[1,2.5,null]},"id":1})";  // eight with the containers
  const std::string more = R"({"method":"info","params":{"a":[1,2.5,null,{}]},"id":1})";
  CHECK(bare(fits).find("-32602") != std::string::npos);
  CHECK(bare(more).find("request of more than 8 values") != std::string::npos);
  CHECK(http(more).find(R"("reason":"too_many_values")") != std::string::npos);
}

TEST_CASE_METHOD(Limited, "a rate on the Unix socket, for bare calls and batches") {
  options.access = control::Access::open({.rate = 5}).value();
  start();
  const std::string five = "[" + kInfo + "," + kInfo + "," + kInfo + "," + kInfo + "," + kInfo + "]";
  CHECK(bare(five).find("\"result\"") != std::string::npos);
  const std::string refused = bare(R"({"method":"info","id":"mine"})");
  CHECK(refused.find(R"("reason":"rate_limited")") != std::string::npos);
  CHECK(refused.find(R"("id":"mine")") != std::string::npos);
  CHECK(service.calls().size() == 5);
}

TEST_CASE("which names of Host are served, and where") {
  struct Row {
    bool loopback;
    std::vector<std::string> names;
    const char* host;
    bool served;
  };
  const Row row = GENERATE(values<Row>({
      {true, {}, "localhost:9090", true},
      {true, {}, "db1.example:9090", false},
      {true, {"db1.example"}, "DB1.example:9090", true},
      {true, {"db1.example"}, "evil.example", false},
      {true, {}, "10.0.0.1", false},
      {false, {}, "evil.example", true},  // what its names are is not known there, unless configured
      {false, {"db1.example"}, "evil.example", false},
      {false, {"db1.example"}, "db1.example", true},
      {false, {"db1.example"}, "10.0.0.1:9090", true},
      {false, {"db1.example"}, "[fe80::1]:9090", true},
      {false, {"db1.example"}, "localhost", true},
      {false, {"db1.example"}, "", false},
  }));
  CAPTURE(row.loopback, row.host, row.names.size());
  const Router router({.bind_host = "10.9.9.9", .bound_to_loopback = row.loopback, .host_names = row.names});
  const auto route = router.route({.method = "POST",
                                   .path = "/control/",
                                   .query = {},
                                   .headers = {{"Host", row.host}},
                                   .transport = Transport::tcp});
  CHECK(std::holds_alternative<control::RouteToRpc>(route) == row.served);
}

TEST_CASE_METHOD(Limited, "requests that arrive at the same time share their memory") {
  options.limits.max_arriving = 1 << 20;
  start();
  // Three times 400 KiB that do not end: the third is too much, and one of them goes.
  std::vector<RawConnection> large;
  const std::string prefix = R"({"method":")" + std::string(400 << 10, 'x');
  RawConnection small = RawConnection::unix_socket(options.socket_path);
  REQUIRE(small.send(kInfo.substr(0, 5)));
  for (int i = 0; i < 3; ++i) {
    large.push_back(RawConnection::unix_socket(options.socket_path));
    large.back().send(prefix);
  }
  int ended = 0;
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (ended == 0 && std::chrono::steady_clock::now() < deadline) {
    for (RawConnection& connection : large) ended += connection.readable(10ms) ? 1 : 0;
  }
  CHECK(ended == 1);
  // The small one was not touched, and there is room again for another.
  REQUIRE(small.send(kInfo.substr(5)));
  CHECK(small.line().find("\"result\"") != std::string::npos);
  large.clear();
  CHECK(bare(R"({"method":"info","id":2,"jsonrpc":"2.0","x":")" + std::string(400 << 10, 'x') + "\"}")
            .find("\"result\"") != std::string::npos);
}

TEST_CASE_METHOD(Limited, "large texts are answered in their order, like small ones") {
  start();
  RawConnection connection = RawConnection::unix_socket(options.socket_path);
  const std::string padding = R"("x":")" + std::string(100'000, 'x') + "\"";
  REQUIRE(connection.send(R"({"method":"info","id":1,)" + padding + R"(}{"method":"info","id":2}{"method":"list",)" +
                          padding + R"(,"id":3}{"method":"status","params":{"path":"/a.db"},"id":4})"));
  for (int i = 1; i <= 4; ++i) {
    const std::string line = connection.line();
    CHECK(line.find("\"result\"") != std::string::npos);
    CHECK(line.find("\"id\":" + std::to_string(i)) != std::string::npos);
  }
}

TEST_CASE_METHOD(Limited, "who has just connected is not pushed out before those who take their time") {
  options.limits.max_connections = 2;
  start();
  RawConnection slow = RawConnection::unix_socket(options.socket_path);
  REQUIRE(slow.send("{\"method\""));
  RawConnection fresh = RawConnection::unix_socket(options.socket_path);
  RawConnection third = RawConnection::unix_socket(options.socket_path);
  CHECK(slow.all().empty());
  for (RawConnection* connection : {&fresh, &third}) {
    REQUIRE(connection->send(kInfo));
    CHECK(connection->line().find("\"result\"") != std::string::npos);
  }
}

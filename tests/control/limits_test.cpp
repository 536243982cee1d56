// The limits as they are configured, on each transport; their defaults are in the tests of each part.
#include "control/access_fixture.hpp"
#include "http/router.hpp"

using namespace control_test;
using control::HttpRequest;
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

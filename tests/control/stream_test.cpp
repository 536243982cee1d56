// Streams of events, and calls that only wait, over real sockets.
#include <algorithm>
#include <atomic>
#include <boost/json/parse.hpp>
#include <thread>

#include "client/event_reader.hpp"
#include "control/client.hpp"
#include "control/fixture.hpp"
#include "control/server.hpp"

using namespace control_test;
using control::Client;
using control::Server;
using control::ServerOptions;
namespace json = boost::json;

namespace {

const std::string kList = R"({"method":"list","id":1})";

std::string watch(const std::string& params = "{}") {
  return R"({"jsonrpc":"2.0","method":"watch","params":)" + params + R"(,"id":9})" + "\n";
}

std::string get(const std::string& target, const std::string& more = {}) {
  return "GET " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + more + "\r\n";
}

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
  void publish(int count, const std::string& kind = "synced") const {
    for (int n = 0; n < count; ++n) service.events->publish(kind);
  }
  bool watchers_become(std::size_t count) const {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (service.events->watchers() != count) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::yield();
    }
    return true;
  }
};

std::uint64_t seq_of(const std::string& line) {
  return json::parse(line).at("params").at("seq").to_number<std::uint64_t>();
}

}  // namespace

TEST_CASE_METHOD(Running, "watch on the Unix socket: the result, then an event a line") {
  start();
  publish(2);
  RawConnection reader = local();
  REQUIRE(reader.send(watch()));
  CHECK(reader.line() == R"({"jsonrpc":"2.0","result":{"subscribed":true,"run":"fake","next":3},"id":9})"
                         "\n");
  service.events->publish("error", "/b.db");
  CHECK(reader.line() == R"({"jsonrpc":"2.0","method":"event","params":{"seq":3,"time":"2024-01-01T00:00:00Z",)"
                         R"("kind":"error","path":"/b.db"}})"
                         "\n");
  // Others are answered meanwhile, and many events come in their order.
  RawConnection other = local();
  REQUIRE(other.send(kList));
  CHECK(other.line().find("result") != std::string::npos);
  publish(500);
  for (std::uint64_t n = 4; n < 504; ++n) REQUIRE(seq_of(reader.line()) == n);
  reader.close();
  CHECK(watchers_become(0));
}

TEST_CASE_METHOD(Running, "a reader goes on where it was, and sees each event once") {
  start();
  publish(10);
  RawConnection first = local();
  REQUIRE(first.send(watch(R"({"from":1})")));
  first.line();
  for (std::uint64_t n = 1; n <= 4; ++n) CHECK(seq_of(first.line()) == n);
  first.close();
  publish(1);
  RawConnection second = local();
  REQUIRE(second.send(watch(R"({"from":5,"kinds":["synced"]})")));
  second.line();
  for (std::uint64_t n = 5; n <= 11; ++n) CHECK(seq_of(second.line()) == n);
}

TEST_CASE_METHOD(Running, "a client that ends its side goes on reading") {
  start();
  RawConnection reader = local();
  REQUIRE(reader.send(watch()));
  reader.end_of_requests();
  reader.line();
  publish(1);
  CHECK(seq_of(reader.line()) == 1);
}

TEST_CASE_METHOD(Running, "who hung up is noticed, also after it had ended its side") {
  options.heartbeat = 20ms;
  start();
  RawConnection reader = local();
  REQUIRE(reader.send(watch()));
  reader.end_of_requests();
  reader.line();
  CHECK(service.events->watchers() == 1);
  reader.close();
  CHECK(watchers_become(0));
}

TEST_CASE_METHOD(Running, "watch is refused where nothing can follow its result") {
  start();
  RawConnection batch = local();
  REQUIRE(batch.send("[" + watch() + "]\n"));
  CHECK(batch.line().find("not_streamable") != std::string::npos);
  REQUIRE(batch.send(watch(R"({"from":2000000})")));
  CHECK(batch.line().find("events_gone") != std::string::npos);
  REQUIRE(batch.send(kList));  // and the connection goes on as before
  CHECK(batch.line().find("\"id\":1") != std::string::npos);
  RawConnection post = remote();
  const std::string body = watch();
  REQUIRE(post.send("POST /control/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) +
                    "\r\n\r\n" + body));
  CHECK(post.response().find("not_streamable") != std::string::npos);
}

TEST_CASE_METHOD(Running, "server-sent events on both listeners") {
  options.heartbeat = 20ms;
  start();
  publish(3);
  for (const bool tcp : {false, true}) {
    RawConnection reader = tcp ? remote() : local();
    REQUIRE(reader.send(get("/events?from=2&kind=synced,error&path=%2Fa*")));
    const std::string head = reader.until("\r\n\r\n");
    CHECK(head.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"));
    CHECK(reader.until("\n\n") == "event: subscribed\ndata: {\"subscribed\":true,\"run\":\"fake\",\"next\":2}\n\n");
    CHECK(reader.until("\n\n") ==
          "id: 2\nevent: synced\ndata: "
          R"({"seq":2,"time":"2024-01-01T00:00:00Z","kind":"synced","path":"/a.db"})"
          "\n\n");
    CHECK(reader.until("\n\n").starts_with("id: 3\n"));
    CHECK(reader.until("\n\n") == ":\n\n");  // nothing happens
    reader.close();
    CHECK(watchers_become(0));
    RawConnection again = tcp ? remote() : local();
    REQUIRE(again.send(get("/events?from=1", "Last-Event-ID: 2\r\n")));
    again.until("\r\n\r\n");
    again.until("\n\n");
    CHECK(again.until("\n\n").starts_with("id: 3\n"));
  }
}

TEST_CASE_METHOD(Running, "server-sent events are refused by status and reason") {
  start();
  RawConnection reader = remote();
  const auto answer = [&](const std::string& request) {
    REQUIRE(reader.send(request));
    return reader.response();
  };
  CHECK(answer(get("/events?from=x")).starts_with("HTTP/1.1 400 "));
  CHECK(answer(get("/events?kind=%zz")).starts_with("HTTP/1.1 400 "));
  CHECK(answer(get("/events?since=3")).find("unknown parameter: since") != std::string::npos);
  const std::string gone = answer(get("/events?from=2000000"));
  CHECK(gone.starts_with("HTTP/1.1 410 "));
  CHECK(gone.find("events_gone") != std::string::npos);
  CHECK(answer("DELETE /events HTTP/1.1\r\nHost: localhost\r\n\r\n").starts_with("HTTP/1.1 405 "));
  CHECK(answer(get("/events", "Origin: http://evil.example\r\n")).starts_with("HTTP/1.1 403 "));
}

TEST_CASE_METHOD(Running, "no events on TCP when control is not served there") {
  options.control_on_tcp = false;
  start();
  RawConnection reader = remote();
  REQUIRE(reader.send(get("/events")));
  CHECK(reader.response().starts_with("HTTP/1.1 404 "));
}

TEST_CASE_METHOD(Running, "a slow reader is dropped with the reason, and holds nobody up") {
  service.events = std::make_shared<FakeEvents>(100);
  start();
  for (const bool sse : {false, true}) {
    RawConnection reader = local();
    REQUIRE(reader.send(sse ? get("/events") : watch()));
    reader.until(sse ? "\r\n\r\n" : "\n");
    // More than the ring and the socket's buffers hold; publish() returns all the same.
    const std::string long_path = "/" + std::string(4000, 'x') + ".db";
    for (int n = 0; n < 2000; ++n) service.events->publish("synced", long_path);
    RawConnection other = local();
    REQUIRE(other.send(kList));
    CHECK(other.line().find("result") != std::string::npos);
    const std::string rest = reader.all();
    const std::size_t last = rest.rfind(sse ? "event: " : "{\"jsonrpc\"");
    REQUIRE(last != std::string::npos);
    INFO(rest.substr(last));
    CHECK(rest.substr(last).find(sse ? "event: end" : R"("method":"end")") != std::string::npos);
    CHECK(rest.substr(last).find(R"("reason":"too_slow")") != std::string::npos);
    CHECK(watchers_become(0));
  }
}

TEST_CASE_METHOD(Running, "a reader that takes nothing at all is hung up on") {
  options.write_timeout = 100ms;
  start();
  RawConnection reader = local();
  REQUIRE(reader.send(watch()));
  reader.line();
  const std::string long_path = "/" + std::string(8000, 'x') + ".db";
  for (int n = 0; n < 500; ++n) service.events->publish("synced", long_path);
  CHECK(watchers_become(0));
}

TEST_CASE_METHOD(Running, "watchers are bounded, and stay when connections get scarce") {
  options.watchers = 2;
  options.limits.max_connections = 3;
  start();
  RawConnection first = local();
  REQUIRE(first.send(watch()));
  first.line();
  RawConnection second = local();
  REQUIRE(second.send(get("/events")));
  second.until("\n\n");
  RawConnection third = local();
  REQUIRE(third.send(watch()));
  CHECK(third.line().find("too_many_watchers") != std::string::npos);
  RawConnection fourth = local();  // takes the place of the idle third
  REQUIRE(fourth.send(kList));
  CHECK(fourth.line().find("result") != std::string::npos);
  publish(1);
  CHECK(seq_of(first.line()) == 1);
  first.close();
  REQUIRE(watchers_become(1));
  RawConnection fifth = local();
  REQUIRE(fifth.send(watch()));
  CHECK(fifth.line().find("subscribed") != std::string::npos);
}

TEST_CASE_METHOD(Running, "the end of the server is the last thing a watcher hears") {
  start();
  RawConnection bare = local();
  REQUIRE(bare.send(watch()));
  bare.line();
  RawConnection sse = remote();
  REQUIRE(sse.send(get("/events")));
  sse.until("\n\n");
  REQUIRE(watchers_become(2));
  publish(3, "stopped");
  server->stop();
  const std::string lines = bare.all();
  CHECK(std::count(lines.begin(), lines.end(), '\n') == 4);
  CHECK(lines.find(R"("method":"end","params":{"reason":"shutting_down")") != std::string::npos);
  CHECK(sse.all().find("event: end\n") != std::string::npos);
}

TEST_CASE_METHOD(Running, "calls that only wait are bounded and take nobody's thread") {
  service.wait_blocks = true;
  options.workers = 1;
  options.waiters = 20;
  start();
  std::vector<RawConnection> waiting;
  for (int n = 0; n < 20; ++n) {
    waiting.push_back(local());
    REQUIRE(waiting.back().send(R"({"method":"wait","params":{"path":"/a.db"},"id":1})"));
  }
  REQUIRE(service.wait_for_waiting(20));
  RawConnection other = local();
  REQUIRE(other.send(R"([{"method":"wait","params":{"path":"/a.db"},"id":1},{"method":"list"}])"));
  const std::string refused = other.line();
  CHECK(refused.find("too_many_waiters") != std::string::npos);
  CHECK(refused.find(R"("retryable":true)") != std::string::npos);
  REQUIRE(other.send(R"({"method":"sync","params":{"path":"/a.db"},"id":2})"));  // the one worker is free
  CHECK(other.line().find("synced") != std::string::npos);
  service.open_gate();
  for (RawConnection& one : waiting) CHECK(one.line().find("durable") != std::string::npos);
  REQUIRE(other.send(R"({"method":"wait","params":{"path":"/a.db"},"id":1})"));
  CHECK(other.line().find("durable") != std::string::npos);
}

TEST_CASE_METHOD(Running, "the client follows events on both transports, until it has enough or is stopped") {
  start();
  publish(5);
  for (const bool tcp : {false, true}) {
    const std::string target = tcp ? "http://" + server->http_addr() : options.socket_path;
    auto client = Client::connect(target);
    REQUIRE(client);
    std::vector<std::uint64_t> seen;
    std::string run;
    const auto done =
        client->watch({{"from", 2}, {"paths", json::array{"/*.db", "/b c%&"}}},
                      {.event =
                           [&](const json::object& event) {
                             seen.push_back(event.at("seq").to_number<std::uint64_t>());
                             return seen.size() < 3;
                           },
                       .subscribed = [&](const json::object& s) { run = s.at("run").as_string().c_str(); }});
    INFO((done ? "" : done.error().message));
    CHECK(done);
    CHECK(seen == std::vector<std::uint64_t>{2, 3, 4});
    CHECK(run == "fake");
    auto refused = Client::connect(target);
    REQUIRE(refused);
    const auto why = refused->watch({{"from", 2000000}}, {.event = [](const json::object&) { return true; }});
    REQUIRE_FALSE(why);
    CHECK(why.error().reason == "events_gone");
    // Stopped while nothing happens.
    auto idle = Client::connect(target);
    REQUIRE(idle);
    std::stop_source stop;
    const auto stopped = idle->watch({},
                                     {.event = [](const json::object&) { return true; },
                                      .subscribed = [&](const json::object&) { stop.request_stop(); }},
                                     stop.get_token());
    CHECK(stopped);
  }
}

TEST_CASE_METHOD(Running, "the client is told why a stream ended") {
  start();
  for (const bool tcp : {false, true}) {
    if (!server) start();
    auto client = Client::connect(tcp ? "http://" + server->http_addr() : options.socket_path);
    REQUIRE(client);
    std::optional<std::jthread> stopper;
    const auto ended =
        client->watch({}, {.event = [](const json::object&) { return true; },
                           .subscribed = [&](const json::object&) { stopper.emplace([&] { server->stop(); }); }});
    stopper.reset();
    REQUIRE_FALSE(ended);
    CHECK(ended.error().reason == "shutting_down");
    CHECK(ended.error().message == "the daemon is shutting down");
    server.reset();
  }
}

// What every call that changes something may ask for: a dry run, one effect for repeated calls, a deadline.
#include "methods/request_memory.hpp"

#include <thread>

#include "control/dispatcher.hpp"
#include "fixture.hpp"

using namespace control;
using namespace control_test;

namespace {

struct Client {
  std::string call(const std::string& method, const std::string& params, const Arrival& arrival = {}) {
    return dispatcher
        .handle(R"({"jsonrpc":"2.0","id":1,"method":")" + method + R"(","params":)" + params + "}", arrival)
        .value();
  }

  FakeService service;
  Dispatcher dispatcher{service};
};

}  // namespace

TEST_CASE("a call repeated with its request_id has one effect and one answer") {
  Client client;
  const std::string params = R"({"path": "/b.db", "request_id": "r1"})";
  const std::string first = client.call("start", params);
  CHECK(first.find("\"started\"") != std::string::npos);
  CHECK(client.call("start", params) == first);
  CHECK(client.service.calls().size() == 1);
  CHECK(client.call("start", R"({"path": "/b.db", "request_id": "r1", "timeout": 5})") == first);
  CHECK(client.service.calls().size() == 1);
  client.call("start", R"({"path": "/b.db", "request_id": "r2"})");
  CHECK(client.service.calls().size() == 2);
}

TEST_CASE("a lasting error is remembered too") {
  Client client;
  const std::string params = R"({"path": "/a.db", "request_id": "r1"})";
  const std::string first = client.call("start", params);
  CHECK(first.find("already_enabled") != std::string::npos);
  CHECK(client.call("start", params) == first);
  CHECK(client.service.calls().size() == 1);
}

TEST_CASE("a request_id belongs to one call") {
  Client client;
  client.call("start", R"({"path": "/b.db", "request_id": "r1"})");
  CHECK(client.call("stop", R"({"path": "/b.db", "request_id": "r1"})").find("request_id_reused") != std::string::npos);
  CHECK(client.call("start", R"({"path": "/a.db", "request_id": "r1"})").find("request_id_reused") !=
        std::string::npos);
  CHECK(client.service.calls().size() == 1);
}

TEST_CASE("a repeated call waits for the one under way") {
  Client client;
  const std::string params = R"({"path": "/b.db", "wait": true, "request_id": "r1"})";
  std::string first, second;
  std::thread one([&] { first = client.call("start", params); });
  REQUIRE(client.service.wait_for_waiting(1));
  std::thread two([&] { second = client.call("start", params); });
  // Without time of its own it is not kept waiting.
  CHECK(client.call("start", R"({"path": "/b.db", "wait": true, "request_id": "r1", "timeout": 0.02})")
            .find("in_progress") != std::string::npos);
  client.service.open_gate();
  one.join();
  two.join();
  CHECK(first.find("\"started\"") != std::string::npos);
  CHECK(second == first);
  CHECK(client.service.calls().size() == 1);
}

TEST_CASE("what may end otherwise is tried again") {
  Client client;
  const std::string params = R"({"path": "/b.db", "wait": true, "timeout": 0.02, "request_id": "r1"})";
  CHECK(client.call("start", params).find("timeout waiting for start") != std::string::npos);
  client.service.open_gate();
  CHECK(client.call("start", params).find("\"started\"") != std::string::npos);
  CHECK(client.service.calls().size() == 2);
}

TEST_CASE("what a Service throws is not remembered") {
  Client client;
  const std::string params = R"({"path": "/throw.db", "request_id": "r1"})";
  CHECK(client.call("start", params).find("-32603") != std::string::npos);
  CHECK(client.call("start", params).find("-32603") != std::string::npos);
}

TEST_CASE("outcomes are kept for ten minutes") {
  RequestMemory memory;
  const auto now = std::chrono::steady_clock::now();
  std::int64_t done = 0;
  const auto work = [&]() -> RequestMemory::Outcome { return ++done; };
  const auto run = [&](auto at) { return memory.run("r1", "start", {}, at, work).value().as_int64(); };
  CHECK(run(now) == 1);
  CHECK(run(now + RequestMemory::kKept) == 1);
  CHECK(run(now + RequestMemory::kKept + 1s) == 2);
}

TEST_CASE("the number of outcomes is bounded") {
  RequestMemory memory;
  int done = 0;
  const auto work = [&]() -> RequestMemory::Outcome { return ++done; };
  const auto run = [&](std::size_t id) { return memory.run(std::to_string(id), "start", {}, {}, work).has_value(); };
  for (std::size_t id = 0; id < RequestMemory::kMaxOutcomes + 2; ++id) REQUIRE(run(id));
  done = 0;
  CHECK(run(RequestMemory::kMaxOutcomes));
  CHECK(done == 0);  // the newest are there
  CHECK(run(0));
  CHECK(done == 1);  // the oldest is not
}

TEST_CASE("a dry run reaches the Service as such and is not remembered") {
  Client client;
  const std::string params = R"({"path": "/b.db", "dry_run": true, "request_id": "r1"})";
  client.call("start", params);
  client.call("start", params);
  CHECK(client.service.calls() == std::vector<std::string>{"start /b.db - dry", "start /b.db - dry"});
}

TEST_CASE("the deadline ends a call before its timeout") {
  Client client;
  Arrival arrival;
  arrival.on_the_clock = UnixTime(std::chrono::seconds(1'000'000));
  client.call("stop", R"({"path": "/b.db", "deadline": 1000005.5})", arrival);
  CHECK(client.service.last_call().deadline == arrival.at + 5500ms);
  client.call("stop", R"({"path": "/b.db", "deadline": 1000900})", arrival);
  CHECK(client.service.last_call().deadline == arrival.at + 29750ms);
  CHECK(client.call("stop", R"({"path": "/b.db", "deadline": 999999})", arrival).find("timeout waiting for stop") !=
        std::string::npos);
  CHECK(client.service.calls().size() == 2);
  CHECK(client.call("stop", R"({"path": "/b.db", "deadline": "soon"})").find("deadline must be a number") !=
        std::string::npos);
}

#include "server/session.hpp"

#include <random>

#include "control/fixture.hpp"
#include "control/jsonrpc.hpp"
#include "http/router.hpp"

using control::HttpRequest;
using control::HttpResponse;
using control::Session;
using control::Transport;

namespace {

// What came out of a session: the requests, and all bytes it would have sent.
struct Trace {
  std::vector<std::string> requests;
  std::string output;
  bool finished = false;

  friend bool operator==(const Trace&, const Trace&) = default;
};

std::string describe(const Session::Work& work) {
  if (const auto* rpc = std::get_if<Session::Rpc>(&work)) return "rpc " + rpc->text;
  const auto& request = std::get<HttpRequest>(work);
  std::string text = request.method + " " + request.path + "?" + request.query + " " + request.body;
  for (const auto& [name, value] : request.headers) text.append(" ").append(name).append("=").append(value);
  return text;
}

void drain(Session& session, Trace& trace) {
  while (std::optional<Session::Work> work = session.next()) {
    trace.requests.push_back(describe(*work));
    const std::string number = std::to_string(trace.requests.size());
    if (std::holds_alternative<Session::Rpc>(*work)) {
      session.reply(std::optional("reply " + number));
    } else {
      session.reply(HttpResponse{.body = "reply " + number});
    }
  }
  trace.output += session.take_output();
}

Trace run(const std::vector<std::string_view>& pieces, Transport transport = Transport::unix_socket) {
  Session session(transport);
  Trace trace;
  for (std::string_view piece : pieces) {
    session.feed(piece);
    drain(session, trace);
  }
  session.feed_end();
  drain(session, trace);
  trace.finished = session.finished();
  return trace;
}

const std::string kBare =
    " \r\n{\"method\": \"list\", \"id\": 1}\n{\"a\": \"}]{\\\"\\\\\", \"b\": [{}, \"[\"]}[{}, {\"x\": []}]\n\n {\n  "
    "\"c\": 1\n}\r\n";

const std::string kHttp =
    "POST /control/ HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
    "GET /metrics?x=1&y HTTP/1.1\r\nHost: b\r\nX-Odd:   value \r\n\r\n"
    "\r\nPOST /control/x HTTP/1.1\r\nHost: c\r\nTransfer-Encoding: "
    "chunked\r\n\r\n3\r\nabc\r\n4;ext=1\r\ndefg\r\n0\r\nTrailer: t\r\n\r\n"
    "HEAD /health HTTP/1.1\r\nHost: d\r\n\r\n"
    "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    "GET /last HTTP/1.0\r\n\r\n";

const std::string kBroken = "{\"a\": 1}\nhello {\"b\": 2}\n";

}  // namespace

TEST_CASE("any split of the bytes gives the same requests and replies") {
  const unsigned seed = control_test::seed_of_this_run();
  INFO("CONTROL_TEST_SEED=" << seed);
  std::mt19937 random(seed);
  for (const std::string& text :
       {kBare, kHttp, kBroken, "  " + kHttp, std::string("{\"a\": [1, 2"), std::string("GARBAGE\r\n\r\n")}) {
    INFO(text);
    const std::string_view all = text;
    const Trace whole = run({all});
    CHECK(whole.finished);
    for (std::size_t cut = 0; cut <= all.size(); ++cut) {
      INFO(cut);
      REQUIRE(run({all.substr(0, cut), all.substr(cut)}) == whole);
    }
    std::vector<std::string_view> bytes;
    bytes.reserve(all.size());
    for (std::size_t i = 0; i < all.size(); ++i) bytes.push_back(all.substr(i, 1));
    REQUIRE(run(bytes) == whole);
    for (int round = 0; round < 200; ++round) {
      std::vector<std::string_view> pieces;
      for (std::size_t at = 0; at < all.size();) {
        pieces.push_back(all.substr(at, 1 + random() % 40));
        at += pieces.back().size();
      }
      REQUIRE(run(pieces) == whole);
    }
  }
}

TEST_CASE("bare JSON: values in any layout, one line a reply") {
  const Trace trace = run({kBare});
  CHECK(trace.requests == std::vector<std::string>{
                              "rpc {\"method\": \"list\", \"id\": 1}",
                              "rpc {\"a\": \"}]{\\\"\\\\\", \"b\": [{}, \"[\"]}",
                              "rpc [{}, {\"x\": []}]",
                              "rpc {\n  \"c\": 1\n}",
                          });
  CHECK(trace.output == "reply 1\nreply 2\nreply 3\nreply 4\n");
}

TEST_CASE("bare JSON: what is no value is answered once and ends the session") {
  const Trace trace = run({kBroken});
  CHECK(trace.requests == std::vector<std::string>{"rpc {\"a\": 1}"});
  CHECK(trace.output.starts_with("reply 1\n{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32700,"));
  CHECK(std::count(trace.output.begin(), trace.output.end(), '\n') == 2);
  CHECK(run({"{\"a\": "}).output.find("-32700") != std::string::npos);
  CHECK(run({"{} \n"}).output == "reply 1\n");
}

TEST_CASE("bare JSON: a value may be as large as the limit, not larger") {
  const std::string core = "{\"a\": 1}";
  const std::string padding(control::Limits{}.max_body - core.size(), ' ');
  CHECK(run({"{" + padding + core.substr(1)}).requests.size() == 1);
  const Trace trace = run({"{" + padding + " " + core.substr(1)});
  CHECK(trace.requests.empty());
  CHECK(trace.finished);
  CHECK(trace.output.find("\"reason\":\"too_large\"") != std::string::npos);
}

TEST_CASE("bare JSON is for the Unix socket only") {
  const Trace trace = run({kBare}, Transport::tcp);
  CHECK(trace.requests.empty());
  CHECK(trace.output.starts_with("HTTP/1.1 400 Bad Request\r\n"));
  CHECK(run({kHttp}, Transport::tcp).requests.size() == 6);
}

TEST_CASE("HTTP: pipelined requests, chunked bodies, HEAD, HTTP/1.0") {
  const Trace trace = run({kHttp});
  CHECK(trace.requests == std::vector<std::string>{
                              "POST /control/? hello Host=a Content-Length=5",
                              "GET /metrics?x=1&y  Host=b X-Odd=value",
                              "POST /control/x? abcdefg Host=c Transfer-Encoding=chunked Trailer=t",
                              "HEAD /health?  Host=d",
                              "GET /?  Connection=keep-alive",
                              "GET /last? ",
                          });
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 7\r\n";
  CHECK(trace.output == head + "\r\nreply 1" + head + "\r\nreply 2" + head + "\r\nreply 3" + head + "\r\n" + head +
                            "Connection: keep-alive\r\n\r\nreply 5" + head + "Connection: close\r\n\r\nreply 6");
}

TEST_CASE("HTTP: Connection: close ends the session after the reply") {
  const Trace trace =
      run({"GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n"});
  CHECK(trace.requests.size() == 1);
  CHECK(trace.output.find("Connection: close\r\n") != std::string::npos);
}

TEST_CASE("HTTP: Expect: 100-continue") {
  const std::string head = "POST /control/ HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-Continue\r\n\r\n";
  Session session(Transport::tcp);
  Trace trace;
  session.feed(head);
  drain(session, trace);
  CHECK(trace.output == "HTTP/1.1 100 Continue\r\n\r\n");
  session.feed("{");
  drain(session, trace);
  CHECK(trace.output == "HTTP/1.1 100 Continue\r\n\r\n");
  session.feed("}");
  drain(session, trace);
  CHECK(trace.requests.size() == 1);
  CHECK(run({head + "{}"}).output.starts_with("HTTP/1.1 200 OK"));  // the body did not wait
  CHECK(run({"POST / HTTP/1.1\r\nExpect: wonders\r\nContent-Length: 2\r\n\r\n"}).output.starts_with("HTTP/1.1 417 "));
}

TEST_CASE("HTTP: a chunk is as large as its line says, however that is cut") {
  const std::string start = "POST /control/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string body = "{" + std::string(0x90000, ' ') + "}";
  const auto sent = [&](int chunks) {
    std::vector<std::string> pieces = {start};
    for (int n = 0; n < chunks; ++n) {
      for (const char c : std::string("90002;x=\"some words\"\r\n")) pieces.emplace_back(1, c);
      pieces.push_back(body + "\r\n");
    }
    pieces.push_back("0\r\n\r\n");
    return run(std::vector<std::string_view>(pieces.begin(), pieces.end()));
  };
  CHECK(sent(1).output.starts_with("HTTP/1.1 200 OK"));
  CHECK(sent(2).output.starts_with("HTTP/1.1 413 "));  // 1.1 MB
  // An extension that does not end: found by the fuzzer, as its chunk was counted anew with each piece.
  CHECK(run({start, "90002;x=\"some\r\n", "w", "o", "r", "d", "s"}).output.empty());
}

TEST_CASE("HTTP: bad requests end the session with the right status") {
  const auto status = [](const std::string& text) {
    const Trace trace = run({text});
    CHECK(trace.requests.empty());
    CHECK(trace.finished);
    CHECK(trace.output.find("Connection: close\r\n") != std::string::npos);
    return trace.output.substr(0, 12);
  };
  const std::string start = "POST /control/ HTTP/1.1\r\nHost: a\r\n";
  CHECK(status("GET / HTTP/9.9\r\n\r\n") == "HTTP/1.1 400");
  CHECK(status(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11) + std::string(100, 'x')) ==
        "HTTP/1.1 400");
  CHECK(status("GET /a b HTTP/1.1\r\n\r\n") == "HTTP/1.1 400");
  CHECK(status(start + "Content-Length: abc\r\n\r\n") == "HTTP/1.1 400");
  CHECK(status(start + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello") == "HTTP/1.1 400");
  CHECK(status(start + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello") == "HTTP/1.1 400");
  CHECK(status(start + "Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n") == "HTTP/1.1 400");
  CHECK(status(start + "Content-Length: 1048577\r\n\r\n") == "HTTP/1.1 413");
  CHECK(status(start + "Content-Length: 1048577\r\nExpect: 100-continue\r\n\r\n") == "HTTP/1.1 413");
  CHECK(status(start + "Content-Length: 99999999999999999999\r\n\r\n") == "HTTP/1.1 400");
  CHECK(status(start + "Transfer-Encoding: chunked\r\n\r\n200000\r\n" + std::string(0x200000, 'x')) == "HTTP/1.1 413");
  CHECK(status(start + "X: " + std::string(20'000, 'x') + "\r\n\r\n") == "HTTP/1.1 431");
  CHECK(status(std::string(20'000, 'G')) == "HTTP/1.1 431");
}

TEST_CASE("requests come one at a time, and replies say so when the session is closing") {
  Session session(Transport::tcp);
  session.feed("GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n");
  REQUIRE(session.next());
  CHECK_FALSE(session.next());
  session.close_after_reply();
  session.reply(HttpResponse{.body = "bye"});
  CHECK(session.take_output().find("Connection: close\r\n") != std::string::npos);
  CHECK(session.finished());
  CHECK_FALSE(session.next());
}

TEST_CASE("random bytes never do harm and never make a session hold more than its limits") {
  const unsigned seed = control_test::seed_of_this_run();
  INFO("CONTROL_TEST_SEED=" << seed);
  std::mt19937 random(seed);
  const std::string words[] = {"{",
                               "}",
                               "[",
                               "]",
                               "\"",
                               "\\",
                               "\r\n",
                               "\r\n\r\n",
                               "GET / HTTP/1.1",
                               "Content-Length: 3",
                               "Transfer-Encoding: chunked",
                               "0\r\n\r\n",
                               "POST ",
                               "\n",
                               " ",
                               ":",
                               "Expect: 100-continue"};
  for (int round = 0; round < 5'000; ++round) {
    Session session(round % 2 == 0 ? Transport::unix_socket : Transport::tcp);
    Trace trace;
    for (int i = 0; i < 30 && !session.finished(); ++i) {
      std::string piece = words[random() % std::size(words)];
      if (random() % 4 == 0) piece += static_cast<char>(random());
      session.feed(piece);
      drain(session, trace);
    }
    session.feed_end();
    drain(session, trace);
    REQUIRE(session.finished());
  }
}

TEST_CASE("routes") {
  control::RouterOptions options{.bind_host = "Box.example", .bound_to_loopback = true};
  options.metrics = [] { return std::string("m 1\n"); };
  control::HealthQuery asked;
  options.health = [&](const control::HealthQuery& query) {
    asked = query;
    return control::Health{.ok = false, .text = "bad\n"};
  };
  options.http = [](const HttpRequest& request) -> std::optional<HttpResponse> {
    if (request.path == "/list") return HttpResponse{.body = "mine"};
    return std::nullopt;
  };
  const auto make = [](std::string method, std::string path, Transport transport = Transport::unix_socket) {
    HttpRequest request{.method = std::move(method), .path = std::move(path), .query = {}, .transport = transport};
    request.headers.emplace_back("hOST", "localhost:9090");
    return request;
  };
  const auto status = [&](const HttpRequest& request) {
    const control::Route route = control::Router(options).route(request);
    if (const auto* response = std::get_if<HttpResponse>(&route)) return response->status;
    if (const auto* handler = std::get_if<control::RouteToHandler>(&route)) return handler->run(request).status;
    return 0;  // RPC
  };

  SECTION("paths and methods") {
    for (const char* path : {"/control", "/control/", "/control/x/y"}) {
      CHECK(status(make("POST", path)) == 0);
      CHECK(status(make("GET", path)) == 405);
      CHECK(status(make("HEAD", path)) == 405);
    }
    CHECK(status(make("POST", "/controls")) == 404);
    CHECK(status(make("GET", "/metrics")) == 200);
    CHECK(status(make("HEAD", "/metrics")) == 200);
    CHECK(status(make("POST", "/metrics")) == 405);
    CHECK(status(make("GET", "/health")) == 503);
    CHECK(status(make("GET", "/list")) == 200);
    CHECK(status(make("POST", "/list")) == 200);
    CHECK(status(make("GET", "/")) == 404);
    CHECK(status(make("GET", "http://localhost/metrics")) == 400);
    CHECK(status(make("OPTIONS", "*")) == 400);
    CHECK(status(make("GET", "/livez")) == 200);
    CHECK(status(make("POST", "/readyz")) == 405);
    CHECK(status(make("GET", "/readyz")) == 503);
    CHECK(asked.ready);
    CHECK_FALSE(asked.max_lag_seconds);
    HttpRequest lagging = make("GET", "/healthz");
    lagging.query = "x=max_lag=3&max_lag=2.5&y";
    CHECK(status(lagging) == 503);
    CHECK_FALSE(asked.ready);
    CHECK(asked.max_lag_seconds == 2.5);
    for (const char* wrong : {"max_lag=", "max_lag=5s", "max_lag=-1", "max_lag=nan"}) {
      lagging.query = wrong;
      CHECK(status(lagging) == 400);
    }
    options = {};
    CHECK(status(make("GET", "/livez")) == 404);
    CHECK(status(make("GET", "/metrics")) == 404);
    CHECK(status(make("GET", "/health")) == 404);
    CHECK(status(make("GET", "/list")) == 404);
  }
  SECTION("405 says what is allowed") {
    const control::Route route = control::Router(options).route(make("GET", "/control/"));
    const auto& response = std::get<HttpResponse>(route);
    CHECK(response.body == "Method not allowed\n");
    CHECK(response.headers == std::vector<std::pair<std::string, std::string>>{{"Allow", "POST"}});
  }
  SECTION("only methods that change something may wait") {
    const auto waits = [&](const char* method) {
      return std::get<control::RouteToHandler>(control::Router(options).route(make(method, "/x"))).may_wait;
    };
    CHECK(waits("POST"));
    CHECK_FALSE(waits("GET"));
    CHECK_FALSE(waits("HEAD"));
  }
  SECTION("web pages are kept out of TCP, and only of TCP") {
    HttpRequest request = make("POST", "/control/", Transport::tcp);
    CHECK(status(request) == 0);
    request.headers.emplace_back("Origin", "null");
    CHECK(status(request) == 403);
    request.transport = Transport::unix_socket;
    CHECK(status(request) == 0);
  }
  SECTION("the Host must be ours when bound to loopback") {
    const auto with_host = [&](const std::string& host) {
      HttpRequest request = make("GET", "/metrics", Transport::tcp);
      request.headers[0].second = host;
      return status(request);
    };
    for (const char* ours : {"localhost", "LOCALHOST:1", "127.0.0.1:9090", "127.1.2.3", "[::1]:9090", "[::1]",
                             "a.localhost", "box.example:9090"}) {
      CHECK(with_host(ours) == 200);
    }
    for (const char* foreign : {"evil.example", "evil.example:9090", "127.0.0.1.evil.example", "localhost.evil.example",
                                "", "10.0.0.1", "[::2]", "[", "0127.0.0.1"}) {
      CHECK(with_host(foreign) == 403);
    }
    HttpRequest nameless = make("GET", "/metrics", Transport::tcp);
    nameless.headers.clear();
    CHECK(status(nameless) == 400);
    nameless.version = 10;
    CHECK(status(nameless) == 200);
    options.bound_to_loopback = false;
    CHECK(with_host("db.internal") == 200);
  }
  SECTION("bodies of other types are refused on TCP") {
    const auto with_type = [&](const std::string& type) {
      HttpRequest request = make("POST", "/control/", Transport::tcp);
      request.headers.emplace_back("content-type", type);
      return status(request);
    };
    for (const char* fine : {"application/json", "Application/JSON; charset=utf-8", "application/json ;x",
                             "application/x-www-form-urlencoded", ""}) {
      CHECK(with_type(fine) == 0);
    }
    for (const char* wrong : {"text/plain", "multipart/form-data; boundary=x", "application/jsonx"}) {
      CHECK(with_type(wrong) == 415);
    }
  }
  SECTION("control can be kept off TCP") {
    options.control_on_tcp = false;
    CHECK(status(make("POST", "/control/", Transport::tcp)) == 404);
    CHECK(status(make("POST", "/control/")) == 0);
  }
}

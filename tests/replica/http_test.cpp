// The HTTP client against a server that does what servers should not.
#include "http/client.hpp"

#include <latch>

#include "http/status.hpp"
#include "support/catch.hpp"
#include "support/scripted_server.hpp"

using namespace replica;
using namespace replica::http;
using std::chrono::milliseconds;
using support::http_answer;
using support::ScriptedServer;

namespace {

template <class T>
std::string error_of(const Result<T>& result) {
  return result ? "none" : std::string(name(result.error().code)) + ": " + result.error().message;
}

template <class T>
std::string code_of(const Result<T>& result) {
  return result ? "none" : std::string(name(result.error().code));
}

ClientOptions impatient() { return {.progress_timeout = milliseconds(200)}; }

Bytes bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string text_of(const MemorySink& sink) {
  return {reinterpret_cast<const char*>(sink.data().data()), sink.data().size()};
}

}  // namespace

TEST_CASE("a request and its answer") {
  ScriptedServer server([](const std::string&) { return http_answer("200 OK", "hello", "X-One:  1 \r\n"); });
  Client client({});
  MemorySource body(bytes("body"));
  const auto answer = client.send(
      {.method = "PUT", .url = server.url() + "/a%2Fb?q=1", .headers = {{"X-Two", "2"}}, .body = &body}, {});
  REQUIRE(error_of(answer) == "none");
  CHECK(answer->status == 200);
  CHECK(answer->header("x-one") == "1");
  CHECK(answer->header("none").empty());
  CHECK(answer->body == "hello");
  const std::string request = server.requests().at(0);
  CHECK(request.starts_with("PUT /a%2Fb?q=1 HTTP/1.1\r\n"));
  for (const char* part : {"\r\nX-Two: 2\r\n", "\r\nContent-Length: 4\r\n", "\r\n\r\nbody"})
    CHECK(request.find(part) != std::string::npos);
  CHECK(request.find("Expect") == std::string::npos);
}

TEST_CASE("connections are kept, also between clients with the same options") {
  ScriptedServer server([](const std::string&) { return http_answer("200 OK", "x"); });
  const auto one = shared_client({}), other = shared_client({});
  CHECK(one == other);
  CHECK(shared_client({.skip_verify = true}) != one);
  for (int i = 0; i < 5; ++i) REQUIRE((i % 2 == 0 ? one : other)->send({.url = server.url()}, {}));
  CHECK(server.connections() == 1);
}

TEST_CASE("requests without a body have none") {
  ScriptedServer server([](const std::string& request) {
    return request.starts_with("HEAD") ? "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
                                       : http_answer("204 No Content");
  });
  Client client({});
  const auto head = client.send({.method = "HEAD", .url = server.url()}, {});
  CHECK(head.value().header("content-length") == "1000");
  for (const char* method : {"DELETE", "POST", "GET"})
    CHECK(client.send({.method = method, .url = server.url()}, {})->status == 204);
  CHECK(server.requests().at(1).starts_with("DELETE / "));
  CHECK(server.requests().at(2).find("Content-Length: 0\r\n") != std::string::npos);
  CHECK(server.requests().at(2).find("Content-Type") == std::string::npos);
}

TEST_CASE("a silent server is given up") {
  const std::string sent = GENERATE(std::string(ScriptedServer::kSilence), std::string("HTTP/1.1 200 OK\r\n"),
                                    std::string("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"));
  ScriptedServer server([&](const std::string&) { return std::string(sent); });
  Client client(impatient());
  MemorySink out;
  const auto begin = std::chrono::steady_clock::now();
  const auto answer = client.send({.url = server.url() + "/x?secret=1", .out = &out}, {});
  CHECK(error_of(answer) == "timed_out: GET " + server.url() + "/x: no byte moved for 200 ms");
  CHECK(std::chrono::steady_clock::now() - begin >= milliseconds(200));
}

TEST_CASE("a call ends at its deadline and when it is stopped") {
  ScriptedServer server([](const std::string&) { return std::string(ScriptedServer::kSilence); });
  Client client({});
  const Call late{.stop = {}, .deadline = std::chrono::steady_clock::now() + milliseconds(50)};
  CHECK(code_of(client.send({.url = server.url()}, late)) == "timed_out");
  std::stop_source stop;
  std::latch waiting(1);
  Result<Response> answer;
  {
    const std::jthread other([&] {
      waiting.count_down();
      answer = client.send({.url = server.url()}, {.stop = stop.get_token(), .deadline = {}});
    });
    waiting.wait();
    stop.request_stop();
  }
  CHECK(code_of(answer) == "cancelled");
}

TEST_CASE("what the network does is retryable") {
  Client client({});
  const std::string nobody = "http://127.0.0.1:" + std::to_string(support::free_port());
  CHECK(code_of(client.send({.url = nobody}, {})) == "unavailable");
  const std::string sent =
      GENERATE(std::string("HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\nhalf"),
               std::string("Connection: close\r\n\r\nno http"));
  ScriptedServer server([&](const std::string&) { return std::string(sent); });
  CHECK(code_of(client.send({.url = server.url()}, {})) == "unavailable");
}

TEST_CASE("neither queries nor passwords nor headers are shown") {
  Client client({});
  const std::string port = std::to_string(support::free_port());
  const auto answer = client.send(
      {.url = "http://user:hush@127.0.0.1:" + port + "/p?X-Amz-Signature=hush", .headers = {{"Authorization", "hush"}}},
      {});
  CHECK(code_of(answer) == "unavailable");
  CHECK(answer.error().message.starts_with("GET http://127.0.0.1:" + port + "/p: "));
  CHECK(answer.error().message.find("hush") == std::string::npos);
  CHECK(shown_url("https://h/p@q?x") == "https://h/p@q");
}

TEST_CASE("bodies of the wrong length are corrupt and not sent whole") {
  ScriptedServer server([](const std::string&) { return http_answer("200 OK"); });
  class Odd final : public Source {
   public:
    explicit Odd(std::uint64_t says) : says_(says) {}
    Result<std::size_t> read(MutableBytes out) override { return inner_.read(out); }
    std::uint64_t size() const override { return says_; }
    Result<void> rewind() override { return inner_.rewind(); }

   private:
    MemorySource inner_{bytes("12345")};
    std::uint64_t says_;
  };
  Client client({});
  for (const std::uint64_t says : {4U, 6U}) {
    Odd body(says);
    CHECK(code_of(client.send({.method = "PUT", .url = server.url(), .body = &body}, {})) == "corrupt");
  }
  CHECK(server.requests().empty());
}

TEST_CASE("an answer is bounded, and only a good one goes into the sink") {
  const std::string status = GENERATE(std::string("200 OK"), std::string("500 Oh"));
  ScriptedServer server([&](const std::string&) { return http_answer(status, std::string(1000, 'x')); });
  Client client({});
  const auto cut = client.send({.url = server.url(), .body_limit = 10}, {});
  if (status == "200 OK") {
    CHECK(error_of(cut) == "corrupt: the answer is longer than 10 bytes");
  } else {
    CHECK(cut.value().body == std::string(10, 'x'));
  }
  MemorySink out;
  REQUIRE(client.send({.url = server.url(), .out = &out}, {}));
  CHECK(text_of(out) == (status == "200 OK" ? std::string(1000, 'x') : ""));
}

TEST_CASE("the head may refuse the body") {
  ScriptedServer server([](const std::string&) { return http_answer("200 OK", "body"); });
  Client client({});
  MemorySink out;
  const auto refused =
      client.send({.url = server.url(),
                   .out = &out,
                   .on_head = [](const Response&) -> Result<void> { return fail(Errc::corrupt, "no"); }},
                  {});
  CHECK(error_of(refused) == "corrupt: no");
  CHECK(out.data().empty());
}

TEST_CASE("proxies are those of the environment") {
  ScriptedServer proxy([](const std::string&) { return http_answer("200 OK"); });
  const std::string variable = GENERATE(std::string("HTTP_PROXY"), std::string("http_proxy"));
  REQUIRE(::setenv(variable.c_str(), proxy.url().c_str(), 1) == 0);
  Client client({});
  CHECK(client.send({.url = "http://store.invalid/x"}, {}));
  CHECK(proxy.requests().at(0).starts_with("GET http://store.invalid/x HTTP/1.1\r\n"));
  CHECK(code_of(client.send({.url = "http://store.invalid/x", .no_proxy = true}, {})) == "unavailable");
  REQUIRE(::setenv("NO_PROXY", "store.invalid", 1) == 0);
  CHECK(code_of(client.send({.url = "http://store.invalid/x"}, {})) == "unavailable");
  CHECK(proxy.requests().size() == 1);
  ::unsetenv("NO_PROXY");
  ::unsetenv(variable.c_str());
}

TEST_CASE("redirects are answers") {
  ScriptedServer server(
      [](const std::string&) { return http_answer("301 Moved", "", "Location: http://127.0.0.1:1/\r\n"); });
  CHECK(Client({}).send({.url = server.url()}, {})->status == 301);
}

TEST_CASE("a channel is waited for") {
  ScriptedServer server([](const std::string&) { return http_answer("200 OK"); });
  Client client({.channels = 1});
  std::vector<std::jthread> threads;
  threads.reserve(4);
  std::atomic<int> good = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 10; ++k) good += client.send({.url = server.url()}, {}) ? 1 : 0;
    });
  }
  threads.clear();
  CHECK(good == 40);
  CHECK(server.connections() == 1);
}

TEST_CASE("several at once, and no more than allowed") {
  ScriptedServer server([&](const std::string&) { return http_answer("200 OK"); });
  class Many final : public Feed {
   public:
    explicit Many(const std::string& url) : requests_(20, Request{.url = url}) {}
    Result<const Request*> next() override {
      if (next_ == requests_.size()) return nullptr;
      ++running;
      most = std::max(most, running);
      return &requests_[next_++];
    }
    Result<void> done(const Request&, Result<Response> answer) override {
      --running;
      if (!answer) return pass(answer);
      if (++finished == fail_at) return fail(Errc::io, "enough");
      return {};
    }
    int running = 0, most = 0, finished = 0, fail_at = 0;

   private:
    std::vector<Request> requests_;
    std::size_t next_ = 0;
  };
  Client client({});
  Many all(server.url());
  CHECK(error_of(client.send_all(all, 4, {})) == "none");
  CHECK(all.finished == 20);
  CHECK(all.most == 4);
  Many some(server.url());
  some.fail_at = 3;
  CHECK(error_of(client.send_all(some, 4, {})) == "io: enough");
  CHECK(some.finished == 3);
}

TEST_CASE("what a status means") {
  const auto [status, code] = GENERATE(table<int, Errc>({{400, Errc::invalid_argument},
                                                         {401, Errc::permission_denied},
                                                         {403, Errc::permission_denied},
                                                         {404, Errc::not_found},
                                                         {408, Errc::timed_out},
                                                         {412, Errc::precondition_failed},
                                                         {416, Errc::out_of_range},
                                                         {429, Errc::busy},
                                                         {500, Errc::unavailable},
                                                         {501, Errc::unsupported},
                                                         {502, Errc::unavailable},
                                                         {503, Errc::busy},
                                                         {504, Errc::timed_out},
                                                         {507, Errc::no_space}}));
  const Error error = http::error_of({.status = status, .headers = {}, .body = {}}, "put k", "Code: a\nb");
  CHECK(error.code == code);
  CHECK(error.message == "put k: Code: a b (HTTP " + std::to_string(status) + ")");
}

TEST_CASE("Retry-After is read in both forms") {
  const auto after = [](std::string text) {
    return retry_after({.status = 503,
                        .headers = {{"retry-after", std::move(text)}, {"date", "Fri, 24 May 2013 00:00:00 GMT"}},
                        .body = {}});
  };
  CHECK(after("7") == std::chrono::seconds(7));
  CHECK(after("Fri, 24 May 2013 00:01:00 GMT") == std::chrono::seconds(60));
  for (const char* odd : {"", "-1", "soon", "Thu, 23 May 2013 00:00:00 GMT"}) CHECK_FALSE(after(odd));
}

TEST_CASE("percent encoding") {
  CHECK(percent_encode("a/b c+~\xc3\xa9") == "a%2Fb%20c%2B~%C3%A9");
  CHECK(percent_encode("a/b", true) == "a/b");
  CHECK(percent_decode("a%2Fb%20+%c3%zz%4") == "a/b +\xc3%zz%4");
}

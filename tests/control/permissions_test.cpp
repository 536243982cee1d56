// Every method of the table, for every role, over every transport.
#include <sys/wait.h>
#include <thread>

#include "control/access_fixture.hpp"

using namespace control_test;
using control::Client;
using control::ClientOptions;
using control::Method;
using control::Role;
namespace json = boost::json;

namespace {

constexpr std::array kRoles{Role::read, Role::operate, Role::admin};
constexpr uid_t kOtherUser = 65534;

std::string name(Role role) { return std::string(control::role_name(role)); }

// A call of the method with all that it needs.
json::object params_of(const Method& method, std::string_view path) {
  json::object params;
  for (const control::Field& field : method.params) {
    if (!field.required) continue;
    if (field.type == "string") params[field.name] = json::string(path);
    if (field.type == "boolean") params[field.name] = false;
    if (field.type == "integer" || field.type == "number") params[field.name] = 1;
  }
  return params;
}

std::string outcome(const control::Result<json::value>& result) { return result ? "ok" : result.error().reason; }

// One server that knows a token and a certificate a role, and a tenant who may use /b.db alone.
struct Guarded {
  TempDir dir;
  FakeService service;
  Observed observed;
  Certificates certificates{dir / "."};
  control::AccessOptions access;
  control::ServerOptions options{.socket_path = dir / "s", .http_addr = "127.0.0.1:0"};
  std::optional<control::Server> server;

  Guarded() {
    certificates.server();
    for (const Role role : kRoles) add(name(role), role, {});
    add("tenant", Role::admin, {"/b*"});
    options.observer = observed.observer();
    options.socket_permissions = 0666;
  }
  void add(const std::string& who, Role role, const std::vector<std::string>& databases) {
    write_file(dir / (who + ".token"), token_of(who));
    access.tokens.push_back({.name = who, .file = dir / (who + ".token"), .role = role, .databases = databases});
    certificates.client(who);
    access.certificates.push_back({.name = who, .role = role, .databases = databases});
  }
  void start(bool tls = false) {
    options.access = control::Access::open(access).value();
    if (tls) {
      options.tls = control::TlsOptions{.cert_file = certificates.cert("server"),
                                        .key_file = certificates.key("server"),
                                        .client_ca_file = certificates.cert("ca")};
    }
    auto started = control::Server::start(service, options);
    if (!started) FAIL(started.error().message);
    server.emplace(std::move(*started));
  }
  Client with_token(const std::string& who) const {
    auto client = Client::connect("http://" + server->http_addr(), ClientOptions{.token = token_of(who)});
    if (!client) FAIL(client.error().message);
    return std::move(*client);
  }
  ClientOptions certificate_of(const std::string& who) const {
    return {.ca_file = certificates.cert("ca"), .cert_file = certificates.cert(who), .key_file = certificates.key(who)};
  }
  Client with_certificate(const std::string& who) const {
    auto client = Client::connect("https://" + server->http_addr(), certificate_of(who));
    if (!client) FAIL(client.error().message);
    return std::move(*client);
  }
  // By name and by alias, as somebody with that role.
  void check_all(Client client, Role role) const {
    for (const Method& method : control::methods()) {
      for (const std::string_view word : {method.name, method.alias}) {
        if (word.empty() || method.streams) continue;  // those make the connection their own
        INFO(name(role) << " calls " << word);
        const auto result = client.call(word, params_of(method, "/b.db"));
        CHECK(outcome(result) == (role < method.role ? "forbidden" : "ok"));
        if (!result) CHECK(result.error().message == "not allowed: " + std::string(method.name));
      }
    }
  }
};

// Runs `call` as another user and gives what it returns, which must be short.
std::string as_other_user(const std::function<std::string()>& call) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    std::string said = "cannot change the user";
    if (::setgid(kOtherUser) == 0 && ::setuid(kOtherUser) == 0) said = call();
    const ssize_t n = ::write(ends[1], said.data(), said.size());
    ::_exit(n == static_cast<ssize_t>(said.size()) ? 0 : 1);
  }
  ::close(ends[1]);
  std::string said;
  std::array<char, 4096> chunk;
  for (ssize_t n = 0; (n = ::read(ends[0], chunk.data(), chunk.size())) > 0;) {
    said.append(chunk.data(), static_cast<std::size_t>(n));
  }
  ::close(ends[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return said;
}

// One request and the first line of the answer, with nothing that a forked child of a threaded process must not use.
std::string say_to(const std::string& socket, const std::string& request) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket.data(), socket.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) return std::strerror(errno);
  if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) < 0) return std::strerror(errno);
  std::string said;
  std::array<char, 4096> chunk;
  while (said.find('\n') == said.npos) {
    const ssize_t n = ::recv(fd, chunk.data(), chunk.size(), 0);
    if (n <= 0) break;
    said.append(chunk.data(), static_cast<std::size_t>(n));
  }
  ::close(fd);
  return said.substr(0, said.find('\n'));
}

std::string request_of(const Method& method) {
  return json::serialize(json::object{{"method", method.name}, {"params", params_of(method, "/b.db")}, {"id", 1}});
}

}  // namespace

TEST_CASE_METHOD(Guarded, "every method, role by role: HTTP with a token") {
  start();
  for (const Role role : kRoles) check_all(with_token(name(role)), role);
}

TEST_CASE_METHOD(Guarded, "every method, role by role: HTTPS with a client certificate") {
  start(true);
  for (const Role role : kRoles) check_all(with_certificate(name(role)), role);
}

TEST_CASE_METHOD(Guarded, "every method, role by role: a second user on the Unix socket, bare and HTTP") {
  if (::geteuid() != 0) {
    WARN("not root: another user can not be played");
    return;
  }
  const Role role = GENERATE(Role::read, Role::operate, Role::admin);
  access.peers = {{.uid = kOtherUser, .gid = {}, .role = role}};
  start();
  for (const Method& method : control::methods()) {
    const std::string request = request_of(method);
    INFO(name(role) << ": " << request);
    const bool allowed = method.role <= role;
    const std::string bare = as_other_user([&] { return say_to(options.socket_path, request + "\n"); });
    CHECK((bare.find("\"result\"") != bare.npos) == allowed);
    CHECK((bare.find("\"forbidden\"") != bare.npos) == !allowed);
    const std::string http =
        "POST /control/ HTTP/1.1\r\nContent-Length: " + std::to_string(request.size()) + "\r\n\r\n" + request;
    CHECK(as_other_user([&] { return say_to(options.socket_path, http); }) ==
          (allowed ? "HTTP/1.1 200 OK\r" : "HTTP/1.1 403 Forbidden\r"));
  }
}

TEST_CASE_METHOD(Guarded, "a user who is not named gets no answer but that") {
  if (::geteuid() != 0) {
    WARN("not root: another user can not be played");
    return;
  }
  access.peers = {{.uid = 4711}};
  start();
  const std::string bare = as_other_user([&] { return say_to(options.socket_path, R"({"method":"info","id":1})"); });
  CHECK(bare.find("not allowed: uid 65534") != bare.npos);
  for (const char* path : {"/control/", "/metrics", "/healthz", "/anything"}) {
    CHECK(as_other_user([&] {
            return say_to(options.socket_path, std::string("POST ") + path + " HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
          }) == "HTTP/1.1 403 Forbidden\r");
  }
  CHECK(service.calls().empty());
  CHECK(observed.lines().size() == 5);
  // Root is never locked out.
  RawConnection own = RawConnection::unix_socket(options.socket_path);
  REQUIRE(own.send(R"({"method":"info","id":1})"));
  CHECK(own.line().find("\"result\"") != std::string::npos);
}

TEST_CASE_METHOD(Guarded, "who may use some databases sees and touches those only") {
  const bool tls = GENERATE(false, true);
  start(tls);
  Client tenant = tls ? with_certificate("tenant") : with_token("tenant");
  for (const Method& method : control::methods()) {
    const bool takes_path = params_of(method, "").contains("path");
    if (!takes_path) continue;
    INFO(method.name);
    CHECK(outcome(tenant.call(method.name, params_of(method, "/b.db"))) == "ok");
    CHECK(outcome(tenant.call(method.name, params_of(method, "/a.db"))) == "forbidden");
    CHECK(outcome(tenant.call(method.name, params_of(method, "/x/../b.db"))) == "forbidden");
    CHECK(outcome(tenant.call(method.name, params_of(method, "/unknown.db"))) == "forbidden");
  }
  CHECK(json::serialize(tenant.call("list").value()) == R"([{"path":"/b.db","status":"closed"}])");
  CHECK(outcome(tenant.call("start", json::object{{"path", "/b.db"}, {"config", "/etc/x.yml"}})) == "forbidden");
  CHECK(outcome(tenant.call("start", json::object{{"path", "/b.db"}, {"config", nullptr}})) == "ok");
}

TEST_CASE_METHOD(Guarded, "parameters for admins only") {
  start();
  const json::object with_config{{"path", "/b.db"}, {"config", "/etc/x.yml"}};
  CHECK(outcome(with_token("operate").call("start", with_config)) == "forbidden");
  CHECK(outcome(with_token("admin").call("start", with_config)) == "ok");
}

TEST_CASE_METHOD(Guarded, "a request_id is remembered for its caller alone") {
  start();
  const auto stop = [](const char* path) { return json::object{{"path", path}, {"request_id", "7"}}; };
  CHECK(outcome(with_token("admin").call("stop", stop("/a.db"))) == "ok");
  CHECK(outcome(with_token("admin").call("stop", stop("/a.db"))) == "ok");
  CHECK(outcome(with_token("operate").call("stop", stop("/b.db"))) == "ok");
  CHECK(service.calls() == std::vector<std::string>{"stop /a.db", "stop /b.db"});
  const auto reused = with_token("admin").call("stop", stop("/b.db"));
  REQUIRE_FALSE(reused);
  CHECK(reused.error().message == "request_id was used for another call: 7");
}

TEST_CASE_METHOD(Guarded, "HTTP says 401 and 403, and who needs no credentials") {
  options.metrics = [] { return std::string("up 1\n"); };
  options.health = [](const control::HealthQuery&) { return control::Health{}; };
  options.http = [](const control::HttpRequest& request) -> std::optional<control::HttpResponse> {
    return control::HttpResponse{.body = request.caller ? request.caller->name : "nobody"};
  };
  start();
  RawConnection http = RawConnection::tcp(server->http_addr());
  const auto ask = [&](const std::string& line, const std::string& more, const std::string& body = {}) {
    REQUIRE(http.send(line + " HTTP/1.1\r\nHost: localhost\r\n" + more +
                      "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body));
    return http.response();
  };
  const std::string stop = R"({"method":"stop","params":{"path":"/b.db"},"id":9})";
  const std::string read = "Authorization: Bearer " + token_of("read") + "\r\n";
  const std::string missing = ask("POST /control/", {}, stop);
  CHECK(missing.starts_with("HTTP/1.1 401 "));
  CHECK(missing.find("\r\nWWW-Authenticate: Bearer realm=\"litestreamd\"\r\n") != missing.npos);
  CHECK(missing.find(R"("reason":"unauthenticated")") != missing.npos);
  CHECK(ask("POST /control/", "Authorization: Bearer wrong\r\n", stop).starts_with("HTTP/1.1 401 "));
  const std::string low = ask("POST /control/", read, stop);
  CHECK(low.starts_with("HTTP/1.1 403 "));
  CHECK(low.find(R"("reason":"forbidden")") != low.npos);
  CHECK(low.find(R"("id":9)") != low.npos);
  CHECK(ask("POST /control/", read, R"({"method":"stop","params":{"path":"/b.db"}})").starts_with("HTTP/1.1 403 "));
  // In a batch each call has its own answer.
  const std::string batch = ask("POST /control/", read, "[" + stop + R"(,{"method":"info","id":10}])");
  CHECK(batch.starts_with("HTTP/1.1 200 "));
  CHECK(batch.find("forbidden") != batch.npos);
  CHECK(batch.find("\"result\"") != batch.npos);
  CHECK(ask("GET /metrics", {}).starts_with("HTTP/1.1 200 "));
  CHECK(ask("GET /readyz", {}).starts_with("HTTP/1.1 200 "));
  CHECK(ask("GET /other", {}).starts_with("HTTP/1.1 401 "));
  CHECK(ask("GET /other", read).ends_with("\r\n\r\ntoken read"));
  CHECK(service.calls() == std::vector<std::string>{"info"});
}

TEST_CASE_METHOD(Guarded, "observers hear of every call and of every refusal, never of a token") {
  start();
  with_token("admin").call("stop", json::object{{"path", "/b.db"}}).value();
  CHECK_FALSE(with_token("admin").call("stop", json::object{{"path", "/c.db"}}));
  CHECK_FALSE(with_token("read").call("stop", json::object{{"path", "/b.db"}}));
  CHECK_FALSE(with_token("nobody").call("stop", json::object{{"path", "/b.db"}}));
  with_token("read").call("info").value();
  CHECK(observed.lines() ==
        std::vector<std::string>{"token admin stop ok changes", "token admin stop not_found changes",
                                 "token read stop forbidden changes", "?  unauthenticated", "token read info ok"});
}

TEST_CASE_METHOD(Guarded, "a caller beyond its rate is told when to come back; others are not concerned") {
  access.rate = 2;
  start();
  RawConnection http = RawConnection::tcp(server->http_addr());
  const std::string body = R"({"method":"info","id":1})";
  const std::string request = "POST /control/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " +
                              token_of("read") + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                              body;
  std::string refused;
  for (int i = 0; i < 100 && refused.empty(); ++i) {
    REQUIRE(http.send(request));
    const std::string response = http.response();
    if (!response.starts_with("HTTP/1.1 200 ")) refused = response;
  }
  CHECK(refused.starts_with("HTTP/1.1 429 "));
  CHECK(refused.find("\r\nRetry-After: 1\r\n") != refused.npos);
  CHECK(refused.find(R"("reason":"rate_limited")") != refused.npos);
  const json::value data = json::parse(refused.substr(refused.find("\r\n\r\n") + 4)).at("error").at("data");
  CHECK(data.at("retryable").as_bool());
  CHECK(data.at("retry_after").to_number<double>() > 0);
  CHECK(data.at("retry_after").to_number<double>() <= 0.5);
  CHECK(outcome(with_token("admin").call("info")) == "ok");
}

TEST_CASE_METHOD(Guarded, "events are for callers who may read, each those of its own databases") {
  start(true);
  service.events->publish("synced", "/a.db");
  service.events->publish("synced", "/b.db");
  for (const char* who : {"read", "operate", "admin", "tenant"}) {
    std::vector<std::string> seen;
    Client client = with_certificate(who);
    const auto watched = client.watch({{"from", 1}}, {.event = [&](const json::object& event) {
                                        seen.emplace_back(event.at("path").as_string());
                                        return seen.back() != "/b.db";
                                      }});
    INFO(who << ": " << (watched ? "" : watched.error().message));
    CHECK(watched);
    const bool all = std::string_view(who) != "tenant";
    CHECK(seen == (all ? std::vector<std::string>{"/a.db", "/b.db"} : std::vector<std::string>{"/b.db"}));
  }
  auto stranger = Client::connect("https://" + server->http_addr(), ClientOptions{.ca_file = certificates.cert("ca")});
  REQUIRE(stranger);
  const auto refused = stranger->watch({}, {.event = [](const json::object&) { return true; }});
  REQUIRE_FALSE(refused);
  INFO(refused.error().message);
  CHECK(refused.error().message.find("401") != std::string::npos);
}

TEST_CASE_METHOD(Guarded, "a token opens the stream of events, and its end is told over TLS too") {
  start(true);
  auto client = Client::connect("https://" + server->http_addr(),
                                ClientOptions{.token = token_of("read"), .ca_file = certificates.cert("ca")});
  REQUIRE(client);
  std::optional<std::jthread> stopper;
  const auto ended =
      client->watch({}, {.event = [](const json::object&) { return true; },
                         .subscribed = [&](const json::object&) { stopper.emplace([&] { server->stop(); }); }});
  stopper.reset();
  REQUIRE_FALSE(ended);
  CHECK(ended.error().reason == "shutting_down");
}

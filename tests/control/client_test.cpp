#include "control/client.hpp"

#include <sys/wait.h>

#include <thread>

#include "control/fixture.hpp"
#include "control/server.hpp"

using control::Client;
using control::Server;
using namespace control_test;

namespace {

// A server that accepts one connection, reads until `request_end`, says `reply` and hangs up.
class Scripted {
 public:
  Scripted(const std::string& path, std::string request_end, std::string reply) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
    REQUIRE(::listen(listener_, 4) == 0);
    thread_ = std::thread([this, request_end = std::move(request_end), reply = std::move(reply)] {
      const int fd = ::accept(listener_, nullptr, nullptr);
      std::array<char, 4096> chunk;
      while (request_.find(request_end) == std::string::npos) {
        const ssize_t n = ::recv(fd, chunk.data(), chunk.size(), 0);
        if (n <= 0) break;
        request_.append(chunk.data(), static_cast<std::size_t>(n));
      }
      for (std::string_view rest = reply; !rest.empty();) {
        const ssize_t n = ::send(fd, rest.data(), 1, MSG_NOSIGNAL);  // byte by byte
        if (n <= 0) break;
        rest.remove_prefix(1);
      }
      ::close(fd);
    });
  }
  ~Scripted() {
    thread_.join();
    ::close(listener_);
  }
  std::string request() const { return request_; }

 private:
  int listener_ = -1;
  std::string request_;
  std::thread thread_;
};

std::string dial_error(const std::string& target) {
  auto client = Client::connect(target);
  REQUIRE_FALSE(client);
  CHECK(client.error().code == control::code::kTransport);
  return client.error().message;
}

}  // namespace

TEST_CASE("what cannot be reached is named as the page does") {
  TempDir dir;
  const std::string path = dir / "s";
  const std::string prefix = "failed to connect to control socket: dial unix " + path + ": connect: ";
  CHECK(dial_error(path) == prefix + "no such file or directory");
  {
    FakeService service;
    auto server = Server::start(service, {.socket_path = path, .http_addr = "127.0.0.1:0"});
    REQUIRE(server);
    const std::string address = server->http_addr();
    if (::geteuid() != 0) {
      std::filesystem::permissions(path, std::filesystem::perms::none);
      CHECK(dial_error(path) == prefix + "permission denied");
    } else {
      // The superuser may everything: ask as somebody else.
      const pid_t child = ::fork();
      if (child == 0) {
        if (::setresuid(65534, 65534, 65534) != 0) ::_exit(2);
        auto client = Client::connect(path);
        ::_exit(!client && client.error().message == prefix + "permission denied" ? 0 : 1);
      }
      int status = -1;
      REQUIRE(::waitpid(child, &status, 0) == child);
      CHECK(status == 0);
    }
    server->stop();
    CHECK(dial_error("http://" + address) ==
          "failed to connect to control server: dial tcp " + address + ": connect: connection refused");
  }
  // A socket file whose owner is gone.
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  ::close(fd);
  CHECK(dial_error(path) == prefix + "connection refused");
  CHECK(dial_error(dir / std::string(200, 'x')).ends_with(": connect: invalid argument"));
  CHECK(dial_error("http://127.0.0.1:x").find("invalid address") != std::string::npos);
}

TEST_CASE("calls, over each transport") {
  TempDir dir;
  FakeService service;
  auto server = Server::start(service, {.socket_path = dir / "s", .http_addr = "127.0.0.1:0"});
  REQUIRE(server);
  for (const std::string& target : {dir / "s", "http://" + server->http_addr(), "http://" + server->http_addr() + "/",
                                    "http://" + server->http_addr() + "/control/x"}) {
    INFO(target);
    auto client = Client::connect(target);
    REQUIRE(client);
    for (int i = 0; i < 3; ++i) {
      const auto status = client->call("status", {{"path", "/a.db"}});
      REQUIRE(status);
      CHECK(status->at("status") == "open");
    }
    const auto missing = client->call("status", {{"path", "/c.db"}});
    REQUIRE_FALSE(missing);
    CHECK(missing.error() ==
          control::Error{.code = -32001, .message = "database not found: /c.db", .reason = "not_found"});
    const auto enabled = client->call("start", {{"path", "/a.db"}});
    REQUIRE_FALSE(enabled);
    CHECK(enabled.error().hint == "none");
    const auto late = client->call("start", {{"path", "/b.db"}, {"wait", true}, {"timeout", 0.05}}, 50ms);
    REQUIRE_FALSE(late);
    CHECK(late.error().code == control::code::kTimeout);
    CHECK(late.error().message == "timeout waiting for start");
    CHECK(late.error().retryable);
    CHECK(client->call("list"));
  }
}

TEST_CASE("a path outside of the control routes is told as HTTP does") {
  FakeService service;
  auto server = Server::start(service, {.http_addr = "127.0.0.1:0"});
  REQUIRE(server);
  auto client = Client::connect("http://" + server->http_addr() + "/elsewhere");
  REQUIRE(client);
  const auto result = client->call("list");
  REQUIRE_FALSE(result);
  CHECK(result.error().message == "server answered 404: 404 page not found");
}

TEST_CASE("replies in pieces, and replies that are none") {
  TempDir dir;
  const std::string path = dir / "s";
  const auto call = [&](const std::string& reply) {
    Scripted server(path, "\n", reply);
    auto client = Client::connect(path);
    REQUIRE(client);
    auto result = client->call("list");
    std::filesystem::remove(path);
    if (!result) {
      CHECK(result.error().code == control::code::kTransport);
      const auto again = client->call("list");
      REQUIRE_FALSE(again);
    }
    return result ? "result" : result.error().message;
  };
  CHECK(call("{\"id\":1,\"result\":[]}\n") == "result");
  CHECK(call("{\"id\":1,\"result\":[]}") == "receive reply: the server closed the connection");
  CHECK(call("") == "receive reply: the server closed the connection");
  CHECK(call("hello\n").starts_with("bad reply: not JSON"));
  CHECK(call("{\"id\":2,\"result\":[]}\n") == "bad reply: it belongs to another request");
}

TEST_CASE("the request as it stands on the wire") {
  TempDir dir;
  Scripted server(dir / "s", "\n", "{\"id\":1,\"result\":true}\n");
  auto client = Client::connect(dir / "s");
  REQUIRE(client);
  REQUIRE(client->call("start", {{"path", "/a b.db"}, {"wait", true}}));
  CHECK(server.request() == R"({"jsonrpc":"2.0","method":"start","params":{"path":"/a b.db","wait":true},"id":1})"
                            "\n");
}

TEST_CASE("a server that never answers") {
  TempDir dir;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = dir / "s";
  std::memcpy(address.sun_path, path.data(), path.size());
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  REQUIRE(::listen(listener, 4) == 0);
  auto client = Client::connect(path);
  REQUIRE(client);
  const auto result = client->call("list", nullptr, 50ms - control::kClientGrace);
  REQUIRE_FALSE(result);
  CHECK(result.error().message == "receive reply: i/o timeout");
  CHECK(result.error().reason == "timed_out");
  CHECK_FALSE(client->call("list"));
  ::close(listener);
}

#include "control/access_fixture.hpp"

using namespace control_test;
using control::Client;
using control::ClientOptions;
using control::Role;

namespace {

struct Https {
  TempDir dir;
  FakeService service;
  Certificates certificates{dir / "."};
  control::ServerOptions options{.http_addr = "127.0.0.1:0", .metrics = [] { return std::string("up 1\n"); }};
  control::AccessOptions access{
      .certificates = {{.name = "ops", .role = Role::admin}, {.name = "spiffe://site/watch", .role = Role::read}}};
  std::optional<control::Server> server;

  Https() { certificates.server(); }
  void start() {
    options.access = control::Access::open(access).value();
    options.tls = control::TlsOptions{.cert_file = certificates.cert("server"),
                                      .key_file = certificates.key("server"),
                                      .client_ca_file = certificates.cert("ca")};
    auto started = control::Server::start(service, options);
    if (!started) FAIL(started.error().message);
    server.emplace(std::move(*started));
  }
  std::string url() const { return "https://" + server->http_addr(); }
  // The result of info, or the reason why not.
  std::string ask(const ClientOptions& how) const {
    auto client = Client::connect(url(), how);
    if (!client) return client.error().reason;
    const auto result = client->call("info");
    return result ? "ok" : result.error().reason;
  }
  ClientOptions as(const std::string& who) const {
    return {.ca_file = certificates.cert("ca"), .cert_file = certificates.cert(who), .key_file = certificates.key(who)};
  }
};

}  // namespace

TEST_CASE_METHOD(Https, "clients are known by common name or alternative name, if the client CA has signed") {
  certificates.client("ops");
  certificates.client("w", "ca", "URI:spiffe://site/watch");
  certificates.client("stranger");
  certificates.authority("evil");
  std::filesystem::create_directory(dir / "evil");
  start();
  CHECK(ask(as("ops")) == "ok");
  CHECK(ask(as("w")) == "ok");
  CHECK(ask(as("stranger")) == "unauthenticated");
  CHECK(ask({.ca_file = certificates.cert("ca")}) == "unauthenticated");
  certificates.client("ops", "evil");  // the right name from the wrong authority
  const std::string refused = ask(as("ops"));
  CHECK(refused != "ok");
  CHECK(refused != "unauthenticated");  // not even the handshake
}

TEST_CASE_METHOD(Https, "a client trusts whom it was told to, under the name that it dialled") {
  certificates.client("ops");
  certificates.authority("other");
  start();
  auto untrusted = Client::connect(url(), ClientOptions{.ca_file = certificates.cert("other")});
  REQUIRE_FALSE(untrusted);
  CHECK(untrusted.error().reason == "untrusted_certificate");
  CHECK(untrusted.error().message.find("the server's certificate is not trusted") != std::string::npos);
  auto missing = Client::connect(url(), ClientOptions{.ca_file = dir / "nothing.pem"});
  REQUIRE_FALSE(missing);
  CHECK(missing.error().reason == "invalid_certificate");
  // The certificate is for 127.0.0.1 and localhost, not for this address of the same listener.
  options.http_addr = "127.0.0.2:0";
  server.reset();
  start();
  CHECK(ask(as("ops")) == "untrusted_certificate");
}

TEST_CASE_METHOD(Https, "tokens work over TLS too, and large replies come whole") {
  write_file(dir / "t", token_of("t"));
  access.tokens = {{.name = "t", .file = dir / "t", .role = Role::read}};
  service.extra_entries = 20'000;
  start();
  auto client = Client::connect(url(), ClientOptions{.token = token_of("t"), .ca_file = certificates.cert("ca")});
  REQUIRE(client);
  for (int i = 0; i < 3; ++i) CHECK(client->call("list").value().as_array().size() == 20'002);
}

TEST_CASE_METHOD(Https, "plain HTTP and nonsense on a TLS port end the connection and harm nobody") {
  certificates.client("ops");
  start();
  for (const char* text : {"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", "\x16\x03\x01\xff\xff", "{}"}) {
    RawConnection plain = RawConnection::tcp(server->http_addr());
    REQUIRE(plain.send(text));
    plain.end_of_requests();
    CHECK(plain.all().find("HTTP/1.1 200") == std::string::npos);
  }
  CHECK(ask(as("ops")) == "ok");
}

TEST_CASE_METHOD(Https, "a handshake that does not go on is ended") {
  options.limits.request_timeout = 100ms;
  start();
  RawConnection silent = RawConnection::tcp(server->http_addr());
  CHECK(silent.all().empty());
}

TEST_CASE_METHOD(Https, "a new certificate is for new connections; the old ones go on") {
  certificates.client("ops");
  start();
  auto before = Client::connect(url(), as("ops"));
  REQUIRE(before);
  REQUIRE(before->call("info"));
  // Another authority for server and clients alike.
  certificates.authority("ca");
  certificates.server();
  const ClientOptions trusting{.ca_file = certificates.cert("ca")};
  CHECK(ask(trusting) == "untrusted_certificate");
  REQUIRE(server->reload());
  CHECK(ask(trusting) == "unauthenticated");
  certificates.client("ops");
  CHECK(ask(as("ops")) == "ok");
  CHECK(before->call("info"));
  // What can not be used changes nothing.
  write_file(certificates.cert("server"), "no certificate");
  const auto failed = server->reload();
  REQUIRE_FALSE(failed);
  CHECK(failed.error().reason == "invalid_certificate");
  CHECK(failed.error().message.find(certificates.cert("server")) != std::string::npos);
  CHECK(ask(as("ops")) == "ok");
}

TEST_CASE_METHOD(Https, "files that can not be used are named at the start") {
  options.access = control::Access::open(access).value();
  options.tls = control::TlsOptions{.cert_file = dir / "none.pem", .key_file = certificates.key("server")};
  auto started = control::Server::start(service, options);
  REQUIRE_FALSE(started);
  CHECK(started.error().message.starts_with("cannot use certificate " + (dir / "none.pem")));
}

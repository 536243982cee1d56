#include "config/config.hpp"
#include "security.hpp"
#include "support/catch.hpp"

using config::Config;
using config::parse;

namespace {

Config good(const std::string& text) {
  auto r = parse(text, "/etc/x.yml");
  INFO(text);
  if (!r) FAIL(r.error().message);
  return std::move(*r);
}

std::string bad(const std::string& text) {
  auto r = parse(text, "/etc/x.yml");
  INFO(text);
  REQUIRE_FALSE(r);
  return r.error().message;
}

}  // namespace

TEST_CASE("who may call is read from control and socket") {
  const Config c = good(R"(
addr: 0.0.0.0:9090
socket:
  path: /run/s
  user: root
  group: 0
  allow-uids: [root, 1000]
  allow-gids: 0
  allow: [{user: 1001, role: read, databases: ["/data/**"]}, {gid: 7}]
control:
  tokens:
    - {name: deploy, file: /etc/t, role: operate}
    - {name: watch, env: WATCH, role: read, databases: /data/*}
  tls: {cert: /c.pem, key: /k.pem, client-ca: /ca.pem, clients: [{name: ops, role: admin}]}
  hosts: [db1.example]
  audit-log: /var/log/audit
  limits: {max-connections: 10, max-body: 2048, max-depth: 8, max-batch: 5, header-timeout: 2s, rate: 100}
)");
  REQUIRE(c.control.tokens.size() == 2);
  CHECK(c.control.tokens[1].databases == std::vector<std::string>{"/data/*"});
  CHECK(c.control.tls.clients.at(0).name == "ops");
  CHECK(c.control.audit_log == "/var/log/audit");
  CHECK(c.control.limits.request_timeout == std::chrono::seconds(2));
  CHECK(c.socket.allow_gids == std::vector<std::string>{"0"});
  CHECK(c.socket.allow.at(1).role == "admin");
  CHECK(c.socket.allow.at(0).databases == std::vector<std::string>{"/data/**"});
}

TEST_CASE("settings of control that make no sense are refused") {
  struct Row {
    const char* text;
    const char* message;
  };
  const Row row = GENERATE(values<Row>({
      {"control: {tokens: [{file: /t, role: read}]}", "control.tokens[0].name: name required"},
      {"control: {tokens: [{name: a, role: read}]}", "control.tokens[0]: must specify either 'file' or 'env'"},
      {"control: {tokens: [{name: a, file: /t, env: T, role: read}]}",
       "control.tokens[0]: must specify either 'file' or 'env'"},
      {"control: {tokens: [{name: a, file: /t}]}", "control.tokens[0].role: role required: read, operate or admin"},
      {"control: {tokens: [{name: a, file: /t, role: root}]}",
       "control.tokens[0].role: must be read, operate or admin (got \"root\")"},
      {"control: {tokens: [{name: a, env: T, role: read}, {name: a, env: U, role: read}]}",
       "control.tokens[1].name: there is another token \"a\""},
      {"control: {tokens: [{name: a, env: T, role: read, databases: [data]}]}",
       "control.tokens[0].databases: must be absolute paths (got \"data\")"},
      {"control: {insecure: true, tokens: [{name: a, env: T, role: read}]}",
       "control.insecure: contradicts control.tokens"},
      {"control: {tls: {cert: /c}}", "control.tls: cert and key belong together"},
      {"control: {tls: {cert: /c, key: /k}}", "control.tls: there is no addr to serve"},
      {"{addr: 'h:1', control: {tls: {client-ca: /ca, clients: [{name: a, role: read}]}}}",
       "control.tls.client-ca: needs cert and key of the server"},
      {"{addr: 'h:1', control: {tls: {cert: /c, key: /k, client-ca: /ca}}}",
       "control.tls.clients: say who the clients of client-ca are"},
      {"{addr: 'h:1', control: {tls: {cert: /c, key: /k, clients: [{name: a, role: read}]}}}",
       "control.tls.clients: needs client-ca"},
      {"control: {limits: {max-body: 0}}", "control.limits.max-body: must be greater than 0"},
      {"control: {limits: {max-depth: 100000}}", "control.limits.max-depth: must not exceed 1000"},
      {"control: {limits: {rate: -1}}", "control.limits.rate: must not be negative"},
      {"socket: {path: /s, allow: [{role: read}]}", "socket.allow[0]: must name a user or a group"},
  }));
  CHECK(bad(row.text) == row.message);
}

TEST_CASE("wrong keys and types below control are named with their line") {
  CHECK(bad("control:\n  tokens: {name: a}") == "/etc/x.yml:2: control.tokens: expected a list");
  CHECK(bad("control:\n  tokens:\n    - nam: a") == "/etc/x.yml:3: unknown key \"nam\" in control.tokens[0]");
  CHECK(bad("control:\n  hosts: [[a]]") == "/etc/x.yml:2: control.hosts[0]: expected a text, found a list");
  CHECK(bad("control:\n  insecure: 7") == "/etc/x.yml:2: control.insecure: expected true or false, found \"7\"");
}

TEST_CASE("a text that goes on after its document is refused, and soon") {
  for (const char* text : {",", ",a: b", "[a], b", "{a: b}\n---\n{c: d}"}) {
    CHECK(bad(text) == "/etc/x.yml:1: yaml: more than one document in the file");
  }
}

TEST_CASE("users and groups are looked up, numbers are taken as they are") {
  CHECK(litestreamd::user_id("root").value() == 0);
  CHECK(litestreamd::user_id("4711").value() == 4711);
  CHECK(litestreamd::group_id("root").value() == 0);
  CHECK(litestreamd::user_id("no-such-user-here").error().message == "socket: unknown user no-such-user-here");
  CHECK(litestreamd::group_id("no-such-group-here").error().message == "socket: unknown group no-such-group-here");
  CHECK(litestreamd::user_id("-1").error().message == "socket: unknown user -1");
}

TEST_CASE("the control server gets it all") {
  const Config c = good(R"(
addr: 0.0.0.0:9090
socket: {path: /run/s, group: 0, allow-uids: [1000]}
control:
  tokens: [{name: watch, env: WATCH, role: read}]
  tls: {cert: /c.pem, key: /k.pem}
  hosts: [db1.example]
  limits: {max-connections: 10, max-body: 2048, max-depth: 8, max-batch: 5, request-timeout: 2s}
)");
  const auto environment = [](std::string_view) { return std::optional<std::string>("0123456789abcdef"); };
  control::ServerOptions out;
  REQUIRE(litestreamd::apply_security(c, environment, out));
  CHECK(out.limits.max_connections == 10);
  CHECK(out.limits.max_body == 2048);
  CHECK(out.limits.max_depth == 8);
  CHECK(out.limits.max_batch == 5);
  CHECK(out.limits.request_timeout == std::chrono::seconds(2));
  REQUIRE(out.tls);
  CHECK(out.tls->cert_file == "/c.pem");
  REQUIRE(out.socket_owner);
  CHECK_FALSE(out.socket_owner->uid);
  CHECK(out.socket_owner->gid == gid_t{0});
  CHECK(out.host_names == std::vector<std::string>{"db1.example"});
  CHECK(out.access->peer({.uid = 1000}));
  CHECK_FALSE(out.access->peer({.uid = 1001}));
  CHECK(out.access->remote({.authorization = "Bearer 0123456789abcdef"}).value()->role == control::Role::read);

  const auto nothing = [](std::string_view) { return std::optional<std::string>(); };
  CHECK(litestreamd::apply_security(c, nothing, out).error().message ==
        "environment variable WATCH of token watch is not set");
}

TEST_CASE("what is open to the network is warned of") {
  const auto warnings = [](const std::string& text) {
    const Config c = good(text);
    control::ServerOptions out;
    REQUIRE(litestreamd::apply_security(
        c, [](std::string_view) { return std::optional<std::string>("0123456789abcdef"); }, out));
    const auto lines = litestreamd::security_warnings(c, *out.access);
    return lines.empty() ? std::string() : lines.at(0);
  };
  const std::string token = "control: {tokens: [{name: a, env: T, role: read}]}";
  CHECK(warnings("addr: 'localhost:9090'").empty());
  CHECK(warnings("addr: ':9090'").starts_with("control calls on addr are refused"));
  CHECK(warnings("{addr: ':9090', control: {insecure: true}}").starts_with("control calls on addr need no password"));
  CHECK(warnings("{addr: ':9090', " + token + "}").starts_with("tokens on addr travel unencrypted"));
  CHECK(warnings("{addr: '127.0.0.1:9090', " + token + "}").empty());
}

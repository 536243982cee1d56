// Replicas of type sftp and nats as they are configured and addressed.
#include <cstdlib>

#include "config/diff.hpp"
#include "config/nats_store.hpp"
#include "config/persist.hpp"
#include "config/sftp_store.hpp"
#include "config/store_schema.hpp"
#include "config/url.hpp"
#include "config/yaml_edit.hpp"
#include "store_config.hpp"

using namespace store_config;

namespace {

constexpr const char* kHostKey = "'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB'";

std::string refused(const std::string& url) {
  auto settings = config::replica_at(url);
  INFO(url);
  REQUIRE_FALSE(settings);
  return settings.error().message;
}

}  // namespace

TEST_CASE("every key of an sftp replica has its effect") {
  const auto replica = replica_of(
      "type: sftp, host: 'h.example:2022', user: u, password: pw, path: /srv/b, key-path: /k/id, key-passphrase: pp, "
      "concurrent-writes: false, host-key: " +
      std::string(kHostKey));
  const auto options = config::sftp_options(replica);
  CHECK(options.host == "h.example");
  CHECK(options.port == 2022);
  CHECK(options.user == "u");
  CHECK(options.password == "pw");
  CHECK(options.key_path == "/k/id");
  CHECK(options.key_passphrase == "pp");
  CHECK(options.host_key == "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB");
  CHECK(options.root == "/srv/b");
  CHECK_FALSE(options.concurrent_writes);
  CHECK_FALSE(options.accept_any_host_key);
  CHECK(replica.location == "sftp://u@h.example:2022/srv/b");
  const auto other =
      config::sftp_options(replica_of("type: sftp, host: h, user: u, path: b, known-hosts-path: /etc/known"));
  CHECK(other.port == 22);
  CHECK(other.known_hosts == "/etc/known");
  CHECK(other.concurrent_writes);
  CHECK(
      config::sftp_options(replica_of("type: sftp, host: h, user: u, accept-any-host-key: true")).accept_any_host_key);
}

TEST_CASE("addresses of sftp replicas") {
  struct Row {
    const char *url, *host;
    int port;
    const char *user, *password, *root, *location;
  };
  const auto row = GENERATE(values<Row>({
      {"sftp://u@h/srv/b", "h", 22, "u", "", "/srv/b", "sftp://u@h/srv/b"},
      {"SFTP://u@H:22//srv//x/../b/", "H", 22, "u", "", "/srv/b", "sftp://u@h/srv/b"},
      {"sftp://u:p%40%3a@h:2022/a%20b", "h", 2022, "u", "p@:", "/a b", "sftp://u@h:2022/a%20b"},
      {"sftp://u@h/", "h", 22, "u", "", "/", "sftp://u@h/"},
      {"sftp://u@h", "h", 22, "u", "", "", "sftp://u@h/~"},
      {"sftp://u@h/~", "h", 22, "u", "", "", "sftp://u@h/~"},
      {"sftp://u@h//~/b", "h", 22, "u", "", "/~/b", "sftp://u@h/./~/b"},
      {"sftp://u@h/~/b", "h", 22, "u", "", "b", "sftp://u@h/~/b"},
      {"sftp://a%40b@[::1]:2022/b", "::1", 2022, "a@b", "", "/b", "sftp://a%40b@[::1]:2022/b"},
  }));
  const ReplicaSettings replica = at(row.url);
  const auto options = config::sftp_options(replica);
  CHECK(options.host == row.host);
  CHECK(options.port == row.port);
  CHECK(options.user == row.user);
  CHECK(options.password == row.password);
  CHECK(options.root == row.root);
  CHECK(replica.location == row.location);
  CHECK(config::sftp_options(at(replica.location)).root == row.root);
}

TEST_CASE("what concerns keys may stand in the address") {
  const auto options =
      config::sftp_options(at("sftp://u@h/b?key-path=/k/id&host-key=ssh-ed25519%20AAAA%2B&concurrent-writes=false"));
  CHECK(options.key_path == "/k/id");
  CHECK(options.host_key == "ssh-ed25519 AAAA+");
  CHECK_FALSE(options.concurrent_writes);
  CHECK(config::sftp_options(at("sftp://u@h/b?known-hosts-path=/k")).known_hosts == "/k");
  CHECK(config::sftp_options(at("sftp://u@h/b?accept-any-host-key=true")).accept_any_host_key);
  CHECK(refused("sftp://u@h/b?host-kay=x") == "unknown query parameter \"host-kay\" in replica url");
  CHECK(refused("sftp://u@h/b?accept-any-host-key=maybe") ==
        "invalid value of query parameter \"accept-any-host-key\" in replica url");
  CHECK(config::nats_options(at("nats://h/b?creds=/c&tls=true&root-cas=/ca")).root_cas ==
        std::vector<std::string>{"/ca"});
}

TEST_CASE("what does not fit together is refused for sftp") {
  CHECK(refusal("type: sftp, user: u") == "host required for sftp replica");
  CHECK(refusal("type: sftp, host: h") == "user required for sftp replica");
  CHECK(refusal("url: 'sftp://h/p'") == "user required for sftp replica");
  CHECK(refusal("url: 'sftp://u@/p'") == "host required for sftp replica");
  CHECK(refusal("url: 'sftp://u@h/p', path: x") == "cannot specify url & path for sftp replica");
  CHECK(refusal("url: 'sftp://u@h/p', host: x") == "cannot specify url & host for sftp replica");
  CHECK(refusal("type: sftp, user: u, host: h, path: ../b").starts_with("the path of an sftp replica must not leave"));
  for (const char* host : {"'a b'", "'h:'", "'h:0'", "'h:99999'", "'h:x'", "'u@h'", "'[::1'", "'[::1]x'"})
    CHECK(refusal(std::string("type: sftp, user: u, host: ") + host) ==
          "sftp replica: the host must be HOST or HOST:PORT");
  CHECK(refusal("type: sftp, host: h, user: u, host-key: AAAA").starts_with("host-key must be a public key"));
  CHECK(refusal("type: sftp, host: h, user: u, accept-any-host-key: true, host-key: " + std::string(kHostKey)) ==
        "cannot specify accept-any-host-key & host-key or known-hosts-path for sftp replica");
}

TEST_CASE("every key of a nats replica has its effect") {
  const auto options = config::nats_options(replica_of(
      "url: 'nats://h', bucket: b, jwt: J, seed: S, creds: /c, nkey: N, username: u, password: p, token: t, tls: true, "
      "root-cas: [/ca1, /ca2], client-cert: /cc, client-key: /ck, timeout: 3s, create-bucket: true, max-reconnects: "
      "7, reconnect-wait: 5s"));
  CHECK(options.url == "nats://h:4222");
  CHECK(options.bucket == "b");
  CHECK(options.jwt == "J");
  CHECK(options.seed == "S");
  CHECK(options.credentials_path == "/c");
  CHECK(options.nkey == "N");
  CHECK(options.user == "u");
  CHECK(options.password == "p");
  CHECK(options.token == "t");
  CHECK(options.tls);
  CHECK(options.root_cas == std::vector<std::string>{"/ca1", "/ca2"});
  CHECK(options.client_cert == "/cc");
  CHECK(options.client_key == "/ck");
  CHECK(options.timeout == std::chrono::seconds(3));
  CHECK(options.create_bucket);
  CHECK(options.max_reconnects == 7);
  CHECK(options.reconnect_wait == std::chrono::seconds(5));
  const auto plain = replica_of("type: nats, bucket: b");
  CHECK(config::nats_options(plain).url == "nats://127.0.0.1:4222");
  CHECK(config::nats_options(plain).timeout == std::chrono::seconds(10));
  CHECK_FALSE(config::nats_options(plain).create_bucket);
  CHECK(config::nats_options(plain).max_reconnects == -1);
  CHECK(config::nats_options(plain).reconnect_wait == std::chrono::seconds(2));
  CHECK(plain.location == "nats://127.0.0.1/b");
}

TEST_CASE("addresses of nats replicas") {
  struct Row {
    const char *url, *servers, *user, *password, *token, *location;
  };
  const auto row = GENERATE(values<Row>({
      {"nats://h/b", "nats://h:4222", "", "", "", "nats://h/b"},
      {"nats://H:4222/b/", "nats://h:4222", "", "", "", "nats://h/b"},
      {"nats://u:p%2fq@h:4223/b", "nats://h:4223", "u", "p/q", "", "nats://h:4223/b"},
      {"nats://hush@h/b", "nats://h:4222", "", "", "hush", "nats://h/b"},
      {"nats://h1,h2:4223,[::1]/b", "nats://h1:4222,nats://h2:4223,nats://[::1]:4222", "", "", "",
       "nats://h1,h2:4223,[::1]/b"},
  }));
  const ReplicaSettings replica = at(row.url);
  const auto options = config::nats_options(replica);
  CHECK(options.url == row.servers);
  CHECK(options.bucket == "b");
  CHECK(options.user == row.user);
  CHECK(options.password == row.password);
  CHECK(options.token == row.token);
  CHECK(replica.location == row.location);
}

TEST_CASE("what does not fit together is refused for nats") {
  CHECK(refusal("type: nats") == "bucket required for NATS replica");
  CHECK(refusal("url: 'nats://h'") == "bucket required for NATS replica");
  CHECK(refusal("url: 'nats:///b'") == "host required for NATS replica");
  CHECK(refusal("url: 'nats://h/b', bucket: c") == "cannot specify url & bucket for NATS replica");
  CHECK(refusal("url: 'nats://h/b', host: c") == "cannot specify url & host for NATS replica");
  CHECK(refusal("url: 'nats://h/b', path: c") == "a NATS replica takes no path");
  CHECK(refusal("url: 'nats://h/b/c'").starts_with("the bucket of a NATS replica has letters"));
  CHECK(refusal("url: 'nats://h/b', client-cert: /c") ==
        "client-cert and client-key must both be specified for mutual TLS authentication");
  CHECK(refusal("url: 'nats://h/b', jwt: c") == "jwt and seed must both be specified for NATS replica");
  CHECK(refusal("url: 'nats://h/b', nkey: c") == "nkey and seed must both be specified for NATS replica");
  CHECK(refusal("url: 'nats://h/b', username: c") == "username and password must both be specified for NATS replica");
  CHECK(refusal("url: 'nats://h/b', timeout: 0s") == "timeout must be greater than 0 (got 0s)");
  CHECK(refusal("url: 'nats://h,/b'") == "NATS replica: the host must be HOST or HOST:PORT");
}

TEST_CASE("keys of sftp and nats at the top stand for those that a replica does not give") {
  const std::string top = "host: h1\nuser: u1\npassword: pw\nkey-path: /k\nbucket: b1\ntoken: t1\ntls: true\n";
  const auto sftp = config::sftp_options(replica_of("type: sftp, user: u2, path: /p", top));
  CHECK(sftp.host == "h1");
  CHECK(sftp.user == "u2");
  CHECK(sftp.password == "pw");
  CHECK(sftp.key_path == "/k");
  // Where the peer stumbles: a host for all and an address for one.
  CHECK(config::sftp_options(replica_of("url: 'sftp://h2/p'", top)).host == "h2");
  const auto nats = replica_of("type: nats", top);
  CHECK(nats.location == "nats://127.0.0.1/b1");
  CHECK(config::nats_options(nats).token == "t1");
  CHECK(config::nats_options(nats).password.empty());
  CHECK(config::nats_options(nats).tls);
}

TEST_CASE("no two databases share a place of sftp or nats") {
  const auto both = [](const std::string& one, const std::string& other) {
    auto read = parse("dbs: [{path: /x, replica: {" + one + "}}, {path: /y, replica: {" + other + "}}]", "");
    return read ? std::string() : read.error().message;
  };
  CHECK(both("url: 'sftp://u@h/p'", "type: sftp, user: u, host: 'H:22', path: /p/") ==
        "database config #2: replica \"sftp://u@h/p\" is already used by database config #1");
  CHECK(both("url: 'sftp://u@h/p'", "type: sftp, user: u, host: h, path: p").empty());
  CHECK(both("url: 'nats://127.0.0.1:4222/b'", "type: nats, bucket: b") ==
        "database config #2: replica \"nats://127.0.0.1/b\" is already used by database config #1");
}

TEST_CASE("what is persisted of sftp and nats replicas means the same, but for the secrets") {
  const auto again = [](const std::string& keys) {
    config::DatabaseSettings settings;
    settings.path = "/x";
    settings.replica = replica_of(keys);
    const std::string text = config::entry_text(settings, true, "  ");
    INFO(text);
    CHECK(text.find("hush") == std::string::npos);
    auto read = parse("dbs:\n- " + text + "\n", "");
    if (!read) FAIL(read.error().message);
    CHECK(parse("dbs: [" + config::flow_entry_text(settings, true) + "]", ""));
    ReplicaSettings left = *settings.replica, right = *read->databases.at(0).replica;
    CHECK(left.location == right.location);
    CHECK(left.key_prefix == right.key_prefix);
    CHECK(config::has_secrets(left.store));
    left.store.edit().password.clear();
    left.store.edit().token.clear();
    CHECK_FALSE(config::has_secrets(left.store));
    CHECK(left.store == right.store);
  };
  again("url: 'sftp://u:hush@h:2022/a%20b?key-path=/k', concurrent-writes: false");
  again("type: sftp, user: u, host: h, password: hush, path: 'a\"b', host-key: 'ssh-rsa A'");
  again("type: nats, host: 'H:4222,h2', bucket: b, token: hush");
  again("url: 'nats://h:4223/b', token: hush, root-cas: ['/a b', /c], timeout: 3s, tls: true");
}

TEST_CASE("passwords are taken out of addresses for messages") {
  CHECK(config::without_password("sftp://u:hush@h/p?x=hush") == "sftp://u@h/p");
  CHECK(config::without_password("sftp://u:hu@sh@h/p") == "sftp://u@h/p");
  CHECK(config::without_password("nats://h:1/p@q:r") == "nats://h:1/p@q:r");
  CHECK(config::without_password("s3://b/p") == "s3://b/p");
  CHECK(refusal("type: sftp, path: 'sftp://u:hush@h/p'") ==
        "replica path cannot be a url, please use the 'url' field instead: sftp://u@h/p");
}

// Replicas of type abs as they are configured and addressed.
#include "config/azure_store.hpp"
#include "config/build.hpp"
#include "config/diff.hpp"
#include "config/persist.hpp"
#include "store_config.hpp"

using namespace store_config;

TEST_CASE("every key of an abs replica has its effect") {
  const auto options = config::azure_options(
      replica_of("type: abs, account-name: acct, account-key: a2V5cw==, sas-token: sv=1, bucket: cont, path: a//b/, "
                 "endpoint: 'blob.example.com:9000', skip-verify: true, part-size: 2MiB, concurrency: 3"));
  CHECK(options.account == "acct");
  CHECK(options.account_key == "a2V5cw==");
  CHECK(options.sas_token == "sv=1");
  CHECK(options.container == "cont");
  CHECK(options.prefix == "a/b/");
  CHECK(options.endpoint == "https://blob.example.com:9000");
  CHECK(options.skip_verify);
  CHECK(options.part_size == 2U << 20U);
  CHECK(options.concurrency == 3);
  const auto least = config::azure_options(replica_of("type: abs, account-name: acct, bucket: cont"));
  CHECK(least.prefix.empty());
  CHECK(least.endpoint.empty());
}

TEST_CASE("keys at the top stand for those that an abs replica does not give") {
  const std::string top = "account-name: acct\naccount-key: a2V5cw==\nbucket: all\n";
  const auto own = config::azure_options(replica_of("type: abs, account-name: other", top));
  CHECK(own.account == "other");
  CHECK(own.account_key == "a2V5cw==");
  CHECK(own.container == "all");
  CHECK(config::azure_options(replica_of("url: 'abs://one/p'", top)).account == "acct");
  CHECK(config::azure_options(replica_of("url: 'abs://me@one/p'", top)).account == "me");
}

TEST_CASE("a connection string stands for the keys that are not given") {
  const std::string text =
      "connection-string: 'DefaultEndpointsProtocol=https;AccountName=acct;AccountKey=a2V5cw==;EndpointSuffix=e.net'";
  for (const auto& replica : {replica_of("type: abs, bucket: c, " + text), replica_of("type: abs, bucket: c", text)}) {
    const auto options = config::azure_options(replica);
    CHECK(options.account == "acct");
    CHECK(options.account_key == "a2V5cw==");
    CHECK(options.endpoint == "https://acct.blob.e.net");
    CHECK(replica.location == "abs://acct@c?endpoint=https://acct.blob.e.net");
  }
  CHECK(config::azure_options(replica_of("type: abs, bucket: c, endpoint: h, " + text)).endpoint == "https://h");
  CHECK(refusal("type: abs, bucket: c, connection-string: hush") == "connection string: a part is not NAME=VALUE");
}

TEST_CASE("what does not fit together in an abs replica is refused") {
  CHECK(refusal("type: abs") == "bucket required for abs replica");
  CHECK(refusal("url: 'abs:///p'") == "bucket required for abs replica");
  CHECK(refusal("url: 'abs://a@c/p', path: x") == "cannot specify url & path for abs replica");
  CHECK(refusal("url: 'abs://a@c/p', bucket: x") == "cannot specify url & bucket for abs replica");
  CHECK(refusal("url: 'abs://c/p'") == "account-name required for abs replica without endpoint");
  CHECK(refusal("url: 'abs://a:hush@c/p'") == "an abs address takes no password");
  CHECK(refusal("type: abs, bucket: a/b, account-name: a").starts_with("the bucket of an abs replica has letters"));
  CHECK(refusal("type: abs, bucket: c, account-name: 'a.b'") == "account-name has letters and digits only");
  for (const char* key : {"hush!", "abc", "a===", "ab=c", "'=ab='"})
    CHECK(refusal(std::string("type: abs, bucket: c, account-name: a, account-key: ") + key) ==
          "account-key must be in base64");
  CHECK(refusal("type: abs, bucket: c, endpoint: h, account-key: AAAA") ==
        "account-key needs account-name for abs replica");
  for (const char* endpoint : {"'ftp://h'", "'http://'", "'u:p@h'", "'h h'", "'https://h?x'"})
    CHECK(refusal(std::string("type: abs, bucket: c, account-name: a, endpoint: ") + endpoint)
              .starts_with("the endpoint of an abs replica must be"));
  CHECK(refusal("type: abs, bucket: c, account-name: a, part-size: 1000") ==
        "part-size must be at least 1MiB (got 1000 bytes)");
  CHECK(refusal("type: abs, bucket: c, account-name: a, concurrency: 0") ==
        "concurrency must be greater than 0 (got 0)");
}

TEST_CASE("addresses of abs replicas") {
  const auto plain = at("abs://acct@cont/a//b/../c%20d/");
  CHECK(plain.store->account_name == "acct");
  CHECK(plain.store->bucket == "cont");
  CHECK(plain.key_prefix == "a/c d/");
  CHECK(plain.location == "abs://acct@cont/a/c%20d");
  CHECK(at("abs://acct@cont").location == "abs://acct@cont");
  CHECK(at("abs://acct@cont?endpoint=https://acct.blob.core.windows.net/").location == "abs://acct@cont");
  const auto emulator = at("abs://acct@cont/p?endpoint=127.0.0.1:10000/acct");
  CHECK(config::azure_options(emulator).endpoint == "http://127.0.0.1:10000/acct");
  CHECK(emulator.location == "abs://acct@cont/p?endpoint=http://127.0.0.1:10000/acct");
  CHECK(at(emulator.location).location == emulator.location);
  CHECK(at("abs://cont/p?endpoint=h").location == "abs://cont/p?endpoint=https://h");
}

TEST_CASE("an abs replica is shown without secrets and told from others by its place") {
  const auto replica =
      replica_of("type: abs, account-name: a, bucket: c, path: p, account-key: aHVzaA==, sas-token: hush");
  CHECK(replica.location == "abs://a@c/p");
  const auto two = [&](const std::string& first, const std::string& second) {
    return parse("dbs:\n - {path: /x, replica: {" + first + "}}\n - {path: /y, replica: {" + second + "}}", "/x.yml");
  };
  const auto same = two("type: abs, account-name: a, bucket: c, path: p", "url: 'abs://a@c/p/'");
  REQUIRE_FALSE(same);
  CHECK(same.error().message == "database config #2: replica \"abs://a@c/p\" is already used by database config #1");
  CHECK(two("url: 'abs://a@c/p'", "url: 'abs://b@c/p'"));
  CHECK(two("url: 'abs://a@c/p'", "url: 'abs://a@c'"));
}

TEST_CASE("a database is built with the backend and the layout of its abs replica") {
  const auto read = parse("dbs: [{path: /x, replica: {url: 'abs://a@c/p', sync-interval: 5s}}]", "x.yml");
  REQUIRE(read);
  const auto built = config::database_config(read->databases.at(0));
  REQUIRE(built.backend);
  CHECK(built.backend->type() == "abs");
  CHECK(built.key_layout == replica::KeyLayout::ltx_folder);
  CHECK(built.replica_url == "abs://a@c/p");
  const auto with = [](const std::string& more) {
    return *parse("dbs: [{path: /x, replica: {type: abs, account-name: a, bucket: c" + more + "}}]", "x.yml");
  };
  CHECK(config::diff(with(""), with("")).empty());
  CHECK(config::diff(with(""), with(", account-key: AAAA")).modified.size() == 1);
}

TEST_CASE("an entry for an abs replica is written without its secrets, or not at all") {
  const config::LoadOptions options;
  const auto added = [&](const std::string& more) {
    auto source = parse("dbs: [{path: /x, replica: {type: abs, account-name: a, bucket: c" + more + "}}]", "x.yml");
    REQUIRE(source);
    return config::with_change("dbs: []\n", config::SetEnabled{"/x", true, &source->databases.at(0)}, options);
  };
  for (const char* path : {"", ", path: p"}) {
    const auto text = added(path);
    REQUIRE(text);
    const auto again = parse(*text, "x.yml");
    REQUIRE(again);
    CHECK(again->databases.at(0).replica->location == (std::string(path).empty() ? "abs://a@c" : "abs://a@c/p"));
  }
  for (const char* secret : {", account-key: aHVzaA==", ", sas-token: hush", ", connection-string: AccountName=a"}) {
    const auto refused = added(secret);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message == "the secrets of the replica of /x are not copied into this file");
  }
}

// Replicas of type oss as they are configured and addressed.
#include "config/build.hpp"
#include "config/oss_store.hpp"
#include "config/persist.hpp"
#include "store_config.hpp"

using namespace store_config;

TEST_CASE("every key of an oss replica has its effect") {
  const auto options = config::oss_options(
      replica_of("type: oss, access-key-id: AK, secret-access-key: SK, bucket: b, path: a/b, region: eu-central-1, "
                 "endpoint: 'oss.example.com:9000', skip-verify: true, part-size: 2MiB, concurrency: 3, "
                 "signature-version: v1"));
  CHECK(options.access_key_id == "AK");
  CHECK(options.secret_access_key == "SK");
  CHECK(options.bucket == "b");
  CHECK(options.prefix == "a/b/");
  CHECK(options.region == "eu-central-1");
  CHECK(options.endpoint == "https://oss.example.com:9000");
  CHECK(options.skip_verify);
  CHECK(options.part_size == 2U << 20U);
  CHECK(options.concurrency == 3);
  CHECK(options.signature == replica::OssSignature::v1);
  const auto least = config::oss_options(replica_of("type: oss, path: p", "bucket: b\nregion: r"));
  CHECK(least.signature == replica::OssSignature::v4);
  CHECK(least.bucket == "b");
  CHECK(least.region == "r");
  CHECK(least.endpoint.empty());
}

TEST_CASE("what does not fit together in an oss replica is refused") {
  CHECK(refusal("type: oss, path: p") == "bucket required for oss replica");
  CHECK(refusal("url: 'oss://b/p', path: x") == "cannot specify url & path for oss replica");
  CHECK(refusal("url: 'oss://b/p', bucket: x") == "cannot specify url & bucket for oss replica");
  CHECK(refusal("url: 'oss://u:hush@b/p'") == "an oss address takes no user and password");
  for (const char* keys : {"url: 'oss://b'", "type: oss, bucket: b", "type: oss, bucket: b, path: /p"})
    CHECK(refusal(keys) == "path required for oss replica");
  CHECK(refusal("type: oss, bucket: 'a.b', path: p").starts_with("the bucket of an oss replica has letters"));
  CHECK(refusal("type: oss, bucket: b, path: p, region: 'a.b'").starts_with("the region of an oss replica has"));
  CHECK(refusal("type: oss, bucket: b, path: p, access-key-id: a") ==
        "access-key-id and secret-access-key must both be specified for oss replica");
  CHECK(refusal("type: oss, bucket: b, path: p, signature-version: v2") ==
        "signature-version must be v4 or v1 (got \"v2\")");
  for (const char* endpoint : {"'ftp://h'", "'http://'", "'u:p@h'", "'h h'", "'https://h?x'"})
    CHECK(refusal(std::string("type: oss, bucket: b, path: p, endpoint: ") + endpoint)
              .starts_with("the endpoint of an oss replica must be"));
  CHECK(refusal("type: oss, bucket: b, path: p, part-size: 1000") ==
        "part-size must be at least 100KiB (got 1000 bytes)");
  CHECK(refusal("type: oss, bucket: b, path: p, concurrency: 0") == "concurrency must be greater than 0 (got 0)");
}

TEST_CASE("addresses of oss replicas") {
  const auto plain = at("oss://b/a//b/../c%20d/");
  CHECK(plain.key_prefix == "a/c d/");
  CHECK(plain.location == "oss://b/a/c%20d");
  const auto host = at("oss://b.oss-eu-central-1.aliyuncs.com/p");
  CHECK(host.store->bucket == "b");
  CHECK(host.store->region == "eu-central-1");
  CHECK(host.store->endpoint.empty());
  CHECK(host.location == "oss://b.oss-eu-central-1.aliyuncs.com/p");
  const auto internal = at("oss://b.oss-cn-beijing-internal.aliyuncs.com/p");
  CHECK(internal.store->region == "cn-beijing");
  CHECK(internal.store->endpoint == "https://oss-cn-beijing-internal.aliyuncs.com");
  const auto own = at("oss://b/p?endpoint=127.0.0.1:9000&region=r");
  CHECK(config::oss_options(own).endpoint == "http://127.0.0.1:9000");
  for (const auto& one : {plain, host, internal, own}) {
    CHECK(at(one.location).location == one.location);
    CHECK(at(one.location).store == one.store);
  }
}

TEST_CASE("an oss replica is shown without secrets, told from others and built") {
  const std::string keys = "access-key-id: AK, secret-access-key: hush";
  CHECK(replica_of("type: oss, bucket: b, path: p, region: r, " + keys).location == "oss://b.oss-r.aliyuncs.com/p");
  const auto same = parse(
      "dbs:\n - {path: /x, replica: {type: oss, bucket: b, path: p}}\n - {path: /y, replica: {url: 'oss://b/p'}}", "x");
  REQUIRE_FALSE(same);
  CHECK(same.error().message == "database config #2: replica \"oss://b/p\" is already used by database config #1");
  const auto read = parse("dbs: [{path: /x, replica: {url: 'oss://b/p', " + keys + "}}]", "x.yml");
  REQUIRE(read);
  const auto built = config::database_config(read->databases.at(0));
  REQUIRE(built.backend);
  CHECK(built.backend->type() == "oss");
  CHECK(built.key_layout == replica::KeyLayout::hex_levels);
  const auto refused =
      config::with_change("dbs: []\n", config::SetEnabled{"/x", true, &read->databases.at(0)}, config::LoadOptions{});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message == "the secrets of the replica of /x are not copied into this file");
}

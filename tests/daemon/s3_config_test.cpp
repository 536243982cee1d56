// Replicas of type s3 as they are configured and addressed.
#include <fstream>

#include "config/build.hpp"
#include "config/diff.hpp"
#include "config/paths.hpp"
#include "config/persist.hpp"
#include "config/s3_store.hpp"
#include "config/store_schema.hpp"
#include "store_config.hpp"
#include "support/temp_dir.hpp"

using namespace store_config;
using replica::Errc;

namespace {

constexpr const char* kKey = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

}  // namespace

TEST_CASE("every key of an s3 replica has its effect") {
  const auto options = config::s3_options(replica_of(
      "type: s3, bucket: b, path: a/b, region: eu-west-1, endpoint: 's3.example.com:9000', access-key-id: AK, "
      "secret-access-key: SK, storage-class: STANDARD_IA, force-path-style: false, sign-payload: false, "
      "require-content-md5: true, skip-verify: true, part-size: 8MiB, concurrency: 3, sse-kms-key-id: K"));
  CHECK(options.bucket == "b");
  CHECK(options.prefix == "a/b/");
  CHECK(options.region == "eu-west-1");
  CHECK(options.endpoint == "https://s3.example.com:9000");
  CHECK(options.access_key_id == "AK");
  CHECK(options.secret_access_key == "SK");
  CHECK(options.storage_class == "STANDARD_IA");
  CHECK_FALSE(options.path_style);
  CHECK_FALSE(options.sign_payload);
  CHECK(options.content_md5);
  CHECK(options.skip_verify);
  CHECK(options.part_size == 8U << 20U);
  CHECK(options.concurrency == 3);
  CHECK(options.sse_kms_key_id == "K");
}

TEST_CASE("the defaults are the peer's") {
  const auto amazon = config::s3_options(replica_of("type: s3, bucket: b, path: p"));
  CHECK(amazon.endpoint.empty());
  CHECK(amazon.region.empty());
  CHECK_FALSE(amazon.path_style);
  CHECK(amazon.sign_payload);
  CHECK(amazon.part_size == 5U << 20U);
  CHECK(amazon.concurrency == 5);
  CHECK(config::s3_options(replica_of("type: s3, bucket: b, endpoint: h")).path_style);
  CHECK(config::s3_options(replica_of("type: s3, bucket: b")).prefix == "/");
}

TEST_CASE("keys at the top stand for those that a replica does not give") {
  const std::string top =
      "access-key-id: AK\nsecret-access-key: SK\nregion: r1\nendpoint: h1\nbucket: b1\nforce-path-style: false\n";
  const auto own = config::s3_options(replica_of("type: s3, region: r2, force-path-style: true", top));
  CHECK(own.bucket == "b1");
  CHECK(own.region == "r2");
  CHECK(own.endpoint == "https://h1");
  CHECK(own.access_key_id == "AK");
  CHECK(own.path_style);
  // Where the peer stumbles: a bucket for all and an address for one.
  CHECK(config::s3_options(replica_of("url: 's3://b2/p'", top)).bucket == "b2");
  CHECK(replica_of("path: /r", top).location == "file:///r");
}

TEST_CASE("what does not fit together is refused") {
  CHECK(refusal("type: s3") == "bucket required for s3 replica");
  CHECK(refusal("url: 's3:///p'") == "bucket required for s3 replica");
  CHECK(refusal("url: 's3://b/p', path: x") == "cannot specify url & path for s3 replica");
  CHECK(refusal("url: 's3://b/p', bucket: x") == "cannot specify url & bucket for s3 replica");
  CHECK(refusal("type: s3, path: 's3://b/p'") ==
        "replica path cannot be a url, please use the 'url' field instead: s3://b/p");
  CHECK(refusal("type: s3, bucket: b, part-size: 1MB") == "part-size must be at least 5MiB (got 1000000 bytes)");
  CHECK(refusal("type: s3, bucket: b, concurrency: 0") == "concurrency must be greater than 0 (got 0)");
  CHECK(refusal("type: s3, bucket: b, access-key-id: AK") ==
        "access-key-id and secret-access-key must both be specified for s3 replica");
  CHECK(refusal("type: s3, bucket: b, part-size: many").starts_with("/etc/x.yml:2: dbs[0].replica.part-size: "));
  for (const char* bucket : {"'a b'", "a/b", "'a:'"})
    CHECK(refusal(std::string("type: s3, bucket: ") + bucket).starts_with("the bucket of an s3 replica has letters"));
  for (const char* endpoint : {"'ftp://h'", "'http://'", "'u:p@h'", "'h h'", "'https://h?x'"})
    CHECK(refusal(std::string("type: s3, bucket: b, endpoint: ") + endpoint)
              .starts_with("the endpoint of an s3 replica must be"));
  CHECK(refusal("type: s3, buckett: b") == "/etc/x.yml:2: unknown key \"buckett\" in dbs[0].replica");
  CHECK(refusal("url: 's3://arn:aws:s3:eu:1:x/y'") == "invalid s3 access point arn: arn:aws:s3:eu:1:x/y");
  const auto secret = config::replica_at("s3://AK:hush@b/p").error();
  CHECK(secret.message + secret.hint ==
        "an s3 address takes no user and passwordset access-key-id and secret-access-key, or AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY");
}

TEST_CASE("keys of customers are checked") {
  const std::string key = std::string("sse-customer-key: ") + kKey;
  CHECK(config::s3_options(replica_of("type: s3, bucket: b, " + key)).sse_customer_key == kKey);
  CHECK(refusal("type: s3, bucket: b, sse-customer-key: short") == "sse-customer-key must be 32 bytes in base64");
  CHECK(refusal("type: s3, bucket: b, sse-customer-algorithm: DES, " + key) == "sse-customer-algorithm must be AES256");
  CHECK(refusal("type: s3, bucket: b, sse-kms-key-id: k, " + key) ==
        "cannot specify sse-customer-key & sse-kms-key-id for s3 replica");
  CHECK(refusal("type: s3, bucket: b, endpoint: 'http://example.com', " + key) ==
        "sse-customer-key needs an endpoint with https");
  CHECK(replica_of("type: s3, bucket: b, endpoint: 'http://10.1.2.3:9000', " + key).store->sse_customer_key == kKey);
  const support::TempDir dir;
  std::ofstream(dir.path("key")) << kKey << "\n";
  CHECK(config::s3_options(replica_of("type: s3, bucket: b, sse-customer-key-path: " + dir.path("key")))
            .sse_customer_key == kKey);
  CHECK(refusal("type: s3, bucket: b, sse-customer-key-path: /none/x").starts_with("sse-customer-key-path: "));
}

TEST_CASE("addresses in all their forms") {
  struct Row {
    const char *url, *bucket, *prefix, *endpoint, *region;
    bool path_style;
  };
  const auto row = GENERATE(values<Row>({
      {"s3://b/p", "b", "p/", "", "", false},
      {"S3://b//p//../r/", "b", "r/", "", "", false},
      {"s3://b/a%20b", "b", "a b/", "", "", false},
      {"s3://b", "b", "./", "", "", false},
      {"s3://b/", "b", "/", "", "", false},
      {"s3://my.bucket/p", "my.bucket", "p/", "", "", false},
      {"s3://b.s3.eu-west-1.amazonaws.com/p", "b", "p/", "", "eu-west-1", false},
      {"s3://b.s3.amazonaws.com/p", "b", "p/", "", "", false},
      {"s3://b.nyc3.digitaloceanspaces.com/p", "b", "p/", "https://nyc3.digitaloceanspaces.com", "nyc3", false},
      {"s3://b.s3.us-west-002.backblazeb2.com/p", "b", "p/", "https://s3.us-west-002.backblazeb2.com", "us-west-002",
       true},
      {"s3://b.s3.filebase.com/p", "b", "p/", "https://s3.filebase.com", "", true},
      {"s3://b.s3.fr-par.scw.cloud/p", "b", "p/", "https://s3.fr-par.scw.cloud", "fr-par", false},
      {"s3://b.localhost:9000/p", "b", "p/", "http://localhost:9000", "us-east-1", true},
      {"s3://b/p?endpoint=127.0.0.1:7070&region=r", "b", "p/", "http://127.0.0.1:7070", "r", true},
      {"s3://b/p?endpoint=example.com", "b", "p/", "https://example.com", "", true},
      {"s3://b/p?endpoint=http%3A%2F%2Fh&forcePathStyle=false", "b", "p/", "http://h", "", false},
      {"s3://b/p?endpoint=h&force-path-style=no", "b", "p/", "https://h", "", false},
      {"s3://arn:aws:s3:eu-west-1:123:accesspoint/name/p%20/q", "arn:aws:s3:eu-west-1:123:accesspoint/name", "p /q/",
       "", "eu-west-1", false},
  }));
  const auto settings = at(row.url);
  const auto options = config::s3_options(settings);
  CHECK(options.bucket == row.bucket);
  CHECK(options.prefix == row.prefix);
  CHECK(options.endpoint == row.endpoint);
  CHECK(options.region == row.region);
  const bool default_style = !options.endpoint.empty() && !settings.store->force_path_style;
  CHECK(options.path_style == (row.path_style || default_style));
  // What is shown leads to the same place.
  const auto again = at(settings.location);
  CHECK(again.location == settings.location);
  CHECK(again.key_prefix == settings.key_prefix);
}

TEST_CASE("parameters of an address") {
  const auto options = config::s3_options(at(
      "s3://b/p?storageClass=COLD&partSize=6000000&concurrency=2&signPayload=f&requireContentMD5=1&skipVerify=true"));
  CHECK(options.storage_class == "COLD");
  CHECK(options.part_size == 6'000'000);
  CHECK(options.concurrency == 2);
  CHECK_FALSE(options.sign_payload);
  CHECK(options.content_md5);
  CHECK(options.skip_verify);
  CHECK(config::replica_at("s3://b/p?part-size=5MB").error().message ==
        "invalid value for query parameter \"part-size\": \"5MB\" (must be a positive integer)");
  CHECK(config::replica_at("s3://b/p?concurrency=-1").error().message ==
        "invalid value for query parameter \"concurrency\": \"-1\" (must be a positive integer)");
  CHECK(config::replica_at("s3://b/p?region=%2").error().message == "invalid escape in replica url: %2");
}

TEST_CASE("hosts that are near") {
  for (const char* host : {"localhost", "localhost:1", "127.0.0.1:9", "10.0.0.1", "192.168.1.1:1", "172.16.0.1",
                           "172.31.9.9", "minio.local:9000", "a.localhost", "[::1]:80"})
    CHECK(config::is_local_host(host));
  for (const char* host : {"example.com", "172.15.0.1", "172.32.0.1", "11.0.0.1", "local", "8.8.8.8:53"})
    CHECK_FALSE(config::is_local_host(host));
}

TEST_CASE("stores that want something special get it") {
  CHECK(config::s3_options(at("s3://b/p?endpoint=x.r2.cloudflarestorage.com")).concurrency == 2);
  CHECK(config::s3_options(at("s3://b/p?endpoint=x.r2.cloudflarestorage.com&concurrency=3")).concurrency == 3);
  const auto tigris = config::s3_options(at("s3://b/p?endpoint=t3.storage.dev&sign-payload=false"));
  CHECK(tigris.sign_payload);
  CHECK(tigris.headers.at(0).first == "X-Tigris-Consistent");
}

TEST_CASE("a replica is shown without secrets and told from others by its place") {
  const std::string keys = "endpoint: 'http://h:1', access-key-id: AK, secret-access-key: hush";
  const auto replica = replica_of("type: s3, bucket: b, path: 'a b', " + keys);
  CHECK(replica.location == "s3://b/a%20b?endpoint=http://h:1");
  const auto two = [&](const std::string& first, const std::string& second) {
    return parse("dbs:\n - {path: /x, replica: {" + first + "}}\n - {path: /y, replica: {" + second + "}}", "/x.yml");
  };
  const auto same = two("type: s3, bucket: b, path: p", "url: 's3://b/p'");
  REQUIRE_FALSE(same);
  CHECK(same.error().message == "database config #2: replica \"s3://b/p\" is already used by database config #1");
  CHECK(two("type: s3, bucket: b, path: p", "url: 's3://b/p2'"));
  CHECK(two("url: 's3://b/p'", "url: 's3://b/p?endpoint=h'"));
}

TEST_CASE("a database is built with the backend and the layout of its replica") {
  const auto read = parse("dbs: [{path: /x, replica: {url: 's3://b/p', sync-interval: 5s}}]", "x.yml");
  const auto built = config::database_config(read->databases.at(0));
  REQUIRE(built.backend);
  CHECK(built.backend->type() == "s3");
  CHECK(built.key_layout == replica::KeyLayout::hex_levels);
  CHECK(built.replica_url == "s3://b/p");
  CHECK(built.sync_interval == std::chrono::seconds(5));
}

TEST_CASE("other keys of a store are a modified database") {
  const auto with = [](const std::string& more) {
    return *parse("dbs: [{path: /x, replica: {type: s3, bucket: b" + more + "}}]", "x.yml");
  };
  CHECK(config::diff(with(""), with("")).empty());
  CHECK(config::diff(with(""), with(", path: p")).modified.size() == 1);
  CHECK(config::diff(with(""), with(", access-key-id: a, secret-access-key: b")).modified.size() == 1);
}

TEST_CASE("an entry for an s3 replica is written without its secrets, or not at all") {
  const config::LoadOptions options;
  const auto added = [&](const std::string& raw, const std::string& more) {
    auto source = parse(
        "dbs: [{path: /x, replica: {type: s3, bucket: b, path: 'p \"q', part-size: 6MiB, "
        "sign-payload: false" +
            more + "}}]",
        "x.yml");
    REQUIRE(source);
    auto text = config::with_change(raw, config::SetEnabled{"/x", true, &source->databases.at(0)}, options);
    if (text) {
      const auto again = parse(*text, "x.yml");
      REQUIRE(again);
      CHECK(config::same_settings(*again->find("/x"), source->databases.at(0)));
    }
    return text;
  };
  const std::string keys = ", access-key-id: AK, secret-access-key: hush";
  CHECK(added("dbs: []\n", "").value() ==
        "dbs:\n  - path: \"/x\"\n    enabled: true\n    replica:\n      type: s3\n      path: \"p \\\"q\"\n"
        "      bucket: \"b\"\n      sign-payload: false\n      part-size: 6291456 \n");
  const auto refused = added("dbs: []\n", keys);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message == "the secrets of the replica of /x are not copied into this file");
  const auto known = added("access-key-id: AK\nsecret-access-key: hush\ndbs: []\n", keys);
  REQUIRE(known);
  CHECK(known->find("hush") == known->rfind("hush"));
}

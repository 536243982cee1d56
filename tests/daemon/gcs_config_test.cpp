// Replicas of type gs as they are configured and addressed.
#include "config/build.hpp"
#include "config/diff.hpp"
#include "config/gcs_store.hpp"
#include "config/persist.hpp"
#include "config/store_schema.hpp"
#include "store_config.hpp"

using namespace store_config;

namespace {

std::string error_at(const std::string& url) {
  auto settings = config::replica_at(url);
  return settings ? "none" : settings.error().message;
}

}  // namespace

TEST_CASE("every key of a gs replica has its effect") {
  const auto replica = replica_of(
      "type: gs, bucket: b, path: a//b/, endpoint: 'gcs.example.com:4443', credentials-path: /k.json, "
      "skip-verify: true, part-size: 1MiB");
  const auto options = config::gcs_options(replica);
  CHECK(options.bucket == "b");
  CHECK(options.prefix == "a/b/");
  CHECK(options.endpoint == "https://gcs.example.com:4443");
  CHECK(options.credentials_path == "/k.json");
  CHECK_FALSE(options.anonymous);
  CHECK(options.skip_verify);
  CHECK(options.part_size == 1U << 20U);
  CHECK(replica.location == "gs://b/a/b?endpoint=https://gcs.example.com:4443");
  CHECK(config::gcs_options(replica_of("type: gs, bucket: b, anonymous: true")).anonymous);
}

TEST_CASE("a gs replica has the peer's defaults") {
  const auto replica = replica_of("type: gs, bucket: b");
  const auto options = config::gcs_options(replica);
  CHECK(options.prefix.empty());
  CHECK(options.endpoint.empty());
  CHECK(options.credentials_path.empty());
  CHECK(options.part_size == 8U << 20U);
  CHECK(replica.location == "gs://b");
  CHECK(config::kind_of(replica).value()->layout == replica::KeyLayout::ltx_folder);
}

TEST_CASE("keys at the top count for gs replicas, but those of another store do not") {
  const std::string top = "bucket: b1\nendpoint: minio:9000\npart-size: 64MiB\ncredentials-path: /k\n";
  const auto options = config::gcs_options(replica_of("type: gs", top));
  CHECK(options.bucket == "b1");
  CHECK(options.endpoint.empty());
  CHECK(options.part_size == 8U << 20U);
  CHECK(options.credentials_path == "/k");
  // Where the peer stumbles: a bucket for all and an address for one.
  CHECK(config::gcs_options(replica_of("url: 'gs://b2/p'", top)).bucket == "b2");
}

TEST_CASE("what does not fit together in a gs replica is refused") {
  CHECK(refusal("type: gs") == "bucket required for gs replica");
  CHECK(refusal("url: 'gs:///p'") == "bucket required for gs replica");
  CHECK(refusal("url: 'gs:///p'", "bucket: b") == "bucket required for gs replica");
  CHECK(refusal("url: 'gs://b/p', path: x") == "cannot specify url & path for gs replica");
  CHECK(refusal("url: 'gs://b/p', bucket: x") == "cannot specify url & bucket for gs replica");
  CHECK(refusal("type: gs, bucket: b, part-size: 1KB") == "part-size must be at least 256KiB (got 1000 bytes)");
  CHECK(refusal("type: gs, bucket: b, anonymous: true, credentials-path: /k") ==
        "cannot specify credentials-path & anonymous for gs replica");
  CHECK(refusal("type: gs, bucket: a/b").starts_with("the bucket of a gs replica has letters"));
  for (const char* endpoint : {"'ftp://h'", "'http://'", "'u:p@h'", "'h h'", "'https://h?x'"})
    CHECK(refusal(std::string("type: gs, bucket: b, endpoint: ") + endpoint)
              .starts_with("the endpoint of a gs replica must be"));
  CHECK(error_at("gcs://b/p") == "unknown replica type in config: \"gcs\"");
  CHECK(error_at("gs://b/p?region=x") == "unknown or invalid query parameter \"region\" in replica url");
  CHECK(error_at("gs://u:hush@b/p") == "a gs address takes no user and password");
}

TEST_CASE("gs addresses in all their forms") {
  struct Row {
    const char *url, *prefix, *endpoint, *location;
  };
  const auto row = GENERATE(values<Row>({
      {"gs://b/p", "p/", "", "gs://b/p"},
      {"GS://b//p//../r/", "r/", "", "gs://b/r"},
      {"gs://b/a%20b", "a b/", "", "gs://b/a%20b"},
      {"gs://b", "", "", "gs://b"},
      {"gs://b/", "", "", "gs://b"},
      {"gs://b/p?endpoint=127.0.0.1:4443", "p/", "http://127.0.0.1:4443", "gs://b/p?endpoint=http://127.0.0.1:4443"},
      {"gs://b/p?endpoint=h&anonymous=true", "p/", "https://h", "gs://b/p?endpoint=https://h&anonymous=true"},
  }));
  const auto settings = at(row.url);
  CHECK(settings.store->bucket == "b");
  CHECK(settings.key_prefix == row.prefix);
  CHECK(config::gcs_options(settings).endpoint == row.endpoint);
  CHECK(settings.location == row.location);
  // What is shown leads to the same place.
  const auto again = at(settings.location);
  CHECK(again.location == settings.location);
  CHECK(again.key_prefix == settings.key_prefix);
  CHECK(again.store == settings.store);
}

TEST_CASE("a path of the file keeps the slash in front, as the peer does") {
  CHECK(replica_of("type: gs, bucket: b, path: /a/b").key_prefix == "/a/b/");
  CHECK(replica_of("type: gs, bucket: b, path: a/./b").key_prefix == "a/b/");
}

TEST_CASE("gs replicas are told from others by their place") {
  const auto two = [&](const std::string& first, const std::string& second) {
    return parse("dbs:\n - {path: /x, replica: {" + first + "}}\n - {path: /y, replica: {" + second + "}}", "/x.yml");
  };
  const auto same = two("type: gs, bucket: b, path: p", "url: 'gs://b/p'");
  REQUIRE_FALSE(same);
  CHECK(same.error().message == "database config #2: replica \"gs://b/p\" is already used by database config #1");
  CHECK(two("type: gs, bucket: b, path: p", "url: 's3://b/p'"));
  CHECK(two("url: 'gs://b/p'", "url: 'gs://b/p?endpoint=h'"));
}

TEST_CASE("a database is built with the gs backend, and written to the file") {
  const auto read =
      parse("dbs: [{path: /x, replica: {type: gs, bucket: b, credentials-path: /k, anonymous: false}}]", "x.yml");
  REQUIRE(read);
  const auto built = config::database_config(read->databases.at(0));
  REQUIRE(built.backend);
  CHECK(built.backend->type() == "gs");
  CHECK(built.key_layout == replica::KeyLayout::ltx_folder);
  const auto text = config::with_change("dbs: []\n", config::SetEnabled{"/x", true, &read->databases.at(0)}, {});
  REQUIRE(text);
  const auto again = parse(*text, "x.yml");
  REQUIRE(again);
  CHECK(config::same_settings(*again->find("/x"), read->databases.at(0)));
}

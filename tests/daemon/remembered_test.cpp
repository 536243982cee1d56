#include "config/remembered.hpp"

#include "config/diff.hpp"
#include "support/catch.hpp"

using config::Config;
using config::DatabaseSettings;
using config::Remembered;

namespace {

Config read(const std::string& text) {
  auto parsed = config::parse(text, "/etc/x.yml");
  INFO((parsed ? std::string() : parsed.error().message));
  REQUIRE(parsed);
  return std::move(*parsed);
}

std::string entry(const std::string& name, const std::string& more = {}) {
  return "  - path: /data/" + name + ".db\n    replica: {type: s3, bucket: b, path: " + name + "}\n" + more;
}

std::string many(int count) {
  std::string text = "access-key-id: a\nsecret-access-key: b\ndbs:\n";
  for (int n = 0; n < count; ++n) text += entry("t" + std::to_string(n));
  return text;
}

}  // namespace

TEST_CASE("settings come back as they were", "[remembered]") {
  const Config c =
      read("dbs:\n" + entry("one", "    meta-path: /meta/one\n    monitor-interval: 3s\n    enabled: false\n") +
           "  - path: /data/two.db\n    replicas:\n      - {path: /r/1, name: near}\n"
           "      - {url: 's3://b/two', sync-interval: 9s}\n");
  const Remembered known(c.databases);
  REQUIRE(known.size() == 2);
  for (const DatabaseSettings& settings : c.databases) {
    const auto found = known.find(settings.path);
    REQUIRE(found);
    CHECK(config::same_settings(*found, settings));
    CHECK(found->starts_by_itself() == settings.starts_by_itself());
  }
  CHECK(known.find("/data/two.db")->replicas.at(0).location == c.databases[1].replicas[0].location);
  CHECK_FALSE(known.find("/data/three.db"));
  CHECK_FALSE(known.find("/data/on"));
}

TEST_CASE("what databases have in common is kept once", "[remembered]") {
  const Config c = read(many(200) + entry("odd", "    busy-timeout: 7s\n"));
  const Remembered known(c.databases);
  CHECK(known.size() == 201);
  CHECK(known.shapes() == 2);
  CHECK(known.find("/data/t7.db")->replica->key_prefix == "t7/");
  CHECK(known.find("/data/t7.db")->replica->store->secret_access_key == "b");
  CHECK(known.find("/data/odd.db")->busy_timeout == std::chrono::seconds(7));
}

TEST_CASE("one is put in the place of another, or taken out", "[remembered]") {
  const Config c = read(many(3));
  Remembered known(c.databases);
  DatabaseSettings changed = c.databases[1];
  changed.enabled = false;
  known.put(changed);
  CHECK(known.size() == 3);
  CHECK_FALSE(known.find(changed.path)->enabled);
  known.erase("/data/t0.db");
  known.erase("/data/unknown.db");
  CHECK(known.paths() == std::vector<std::string>{"/data/t1.db", "/data/t2.db"});
}

TEST_CASE("what is remembered is compared as a whole configuration would be", "[remembered]") {
  const Config before = read(many(3));
  Config after = read(many(2) + entry("new") + entry("odd"));
  after.databases[0].busy_timeout = std::chrono::seconds(7);
  after.databases[1].replica->store.edit().secret_access_key = "other";
  Config bare = before;
  const Remembered known(std::exchange(bare.databases, {}));
  const config::Diff diff = config::diff(bare, known, after);
  CHECK(diff.added == std::vector<std::string>{"/data/new.db", "/data/odd.db"});
  CHECK(diff.removed == std::vector<std::string>{"/data/t2.db"});
  CHECK(diff.modified == std::vector<std::string>{"/data/t0.db", "/data/t1.db"});
  CHECK(config::diff(bare, known, before).empty());
}

TEST_CASE("replicas of one store share its settings until one of them is changed", "[remembered]") {
  const Config c = read(many(3));
  const auto store = [](const DatabaseSettings& one) -> const config::SharedStore& { return one.replica->store; };
  CHECK(&store(c.databases[0]).get() == &store(c.databases[2]).get());
  DatabaseSettings changed = c.databases[1];
  changed.replica->store.edit().secret_access_key = "other";
  CHECK(store(c.databases[1])->secret_access_key == "b");
  CHECK(changed.replica->store->secret_access_key == "other");
  CHECK_FALSE(store(changed) == store(c.databases[1]));
  CHECK(config::SharedStore() ==
        config::SharedStore(store(read("dbs:\n  - path: /data/a.db\n    replica: {path: /r}\n").databases[0])));
}

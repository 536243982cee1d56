// Replicas of type webdav as they are configured and addressed.
#include "config/build.hpp"
#include "config/diff.hpp"
#include "config/persist.hpp"
#include "config/webdav_store.hpp"
#include "store_config.hpp"

using namespace store_config;

TEST_CASE("every key of a webdav replica has its effect") {
  const auto replica = replica_of(
      "type: webdav, webdav-url: 'https://Dav.example.com:443/remote.php/dav/', webdav-username: 'a b', "
      "webdav-password: hush, path: /some//app/, skip-verify: true");
  const auto options = config::webdav_options(replica);
  CHECK(options.url == "https://dav.example.com/remote.php/dav");
  CHECK(options.prefix == "some/app/");
  CHECK(options.user == "a b");
  CHECK(options.password == "hush");
  CHECK(options.skip_verify);
  CHECK(replica.location == "webdavs://a%20b@dav.example.com/remote.php/dav/some/app");
  CHECK(config::webdav_options(replica_of("type: webdav, webdav-url: 'http://h'")).prefix.empty());
}

TEST_CASE("webdav keys at the top count for those that have none") {
  const std::string top = "webdav-url: http://h/dav\nwebdav-username: u\nwebdav-password: p\n";
  const auto options = config::webdav_options(replica_of("type: webdav, path: a", top));
  CHECK(options.url == "http://h/dav");
  CHECK(options.user == "u");
  CHECK(options.password == "p");
  CHECK(config::webdav_options(replica_of("url: 'webdav://other/p'", top)).url == "http://other");
}

TEST_CASE("what does not fit together in a webdav replica is refused") {
  CHECK(refusal("type: webdav") == "webdav-url required for webdav replica");
  CHECK(refusal("url: 'webdav://h/p', path: x") == "cannot specify url & path for webdav replica");
  CHECK(refusal("url: 'webdav://h/p', webdav-url: 'http://x'") == "cannot specify url & webdav-url for webdav replica");
  CHECK(refusal("url: 'webdav:///p'") == "host required for webdav replica url");
  CHECK(refusal("url: 'webdav://h/p?x=1'") == "unknown query parameter \"x\" in replica url");
  CHECK(refusal("type: webdav, webdav-url: 'http://h', webdav-password: p") ==
        "webdav-username required for webdav replica with webdav-password");
  CHECK(refusal("type: webdav, webdav-url: 'http://h', webdav-username: 'a:b'") ==
        "webdav-username must not have a ':'");
  const std::string userinfo = refusal("type: webdav, webdav-url: 'http://u:hush@h/'");
  CHECK(userinfo == "the webdav-url of a webdav replica takes no user and password");
  for (const char* url : {"'ftp://h'", "h", "'http://'", "'http://h/a b'", "'http://h/?x'", "'http://h/#x'",
                          "'http://:80'", "'http://h:80:80'", "'http://h:x'", "'http://h:'", "'http://[::1'"})
    CHECK(refusal(std::string("type: webdav, webdav-url: ") + url) ==
          "the webdav-url of a webdav replica must be a URL with http or https");
}

TEST_CASE("webdav addresses in all their forms") {
  struct Row {
    const char *url, *base, *prefix, *user, *password, *location;
  };
  const auto row = GENERATE(values<Row>({
      {"webdav://h/p", "http://h", "p/", "", "", "webdav://h/p"},
      {"webdavs://H:8443//p//../r/", "https://h:8443", "r/", "", "", "webdavs://h:8443/r"},
      {"WEBDAV://u@h:80/a%20b", "http://h", "a b/", "u", "", "webdav://u@h/a%20b"},
      {"webdav://u%40x:p%2F@h", "http://h", "", "u@x", "p/", "webdav://u%40x@h"},
      {"webdavs://h:443/", "https://h", "", "", "", "webdavs://h"},
      {"webdav://[::1]:80/p", "http://[::1]", "p/", "", "", "webdav://[::1]/p"},
  }));
  const auto settings = at(row.url);
  const auto options = config::webdav_options(settings);
  CHECK(settings.type == "webdav");
  CHECK(options.url == row.base);
  CHECK(options.prefix == row.prefix);
  CHECK(options.user == row.user);
  CHECK(options.password == row.password);
  CHECK(settings.location == row.location);
  // What is shown leads to the same place.
  const auto again = at(settings.location);
  CHECK(again.location == settings.location);
  CHECK(config::webdav_options(again).url == options.url);
  CHECK(again.key_prefix == settings.key_prefix);
}

TEST_CASE("webdav replicas are told from others by their place, however it is written") {
  const auto two = [&](const std::string& first, const std::string& second) {
    return parse("dbs:\n - {path: /x, replica: {" + first + "}}\n - {path: /y, replica: {" + second + "}}", "/x.yml");
  };
  const auto same = two("type: webdav, webdav-url: 'http://h:80/dav', path: p", "url: 'webdav://h/dav/p'");
  REQUIRE_FALSE(same);
  CHECK(same.error().message ==
        "database config #2: replica \"webdav://h/dav/p\" is already used by database config #1");
  CHECK(two("url: 'webdav://h/p'", "url: 'webdavs://h/p'"));
  CHECK(two("url: 'webdav://u@h/p'", "url: 'webdav://v@h/p'"));
}

TEST_CASE("a database is built with the webdav backend, and written to the file without the password") {
  const auto built_of = [](const std::string& more) {
    return parse("dbs: [{path: /x, replica: {type: webdav, webdav-url: 'http://h/d', path: p" + more + "}}]", "x.yml");
  };
  const auto open = built_of(", webdav-username: u");
  REQUIRE(open);
  const auto built = config::database_config(open->databases.at(0));
  REQUIRE(built.backend);
  CHECK(built.backend->type() == "webdav");
  CHECK(built.key_layout == replica::KeyLayout::ltx_folder);
  const auto text = config::with_change("dbs: []\n", config::SetEnabled{"/x", true, &open->databases.at(0)}, {});
  REQUIRE(text);
  CHECK(config::same_settings(*parse(*text, "x.yml")->find("/x"), open->databases.at(0)));
  const auto secret = built_of(", webdav-username: u, webdav-password: hush");
  REQUIRE(secret);
  const auto refused = config::with_change("dbs: []\n", config::SetEnabled{"/x", true, &secret->databases.at(0)}, {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message == "the secrets of the replica of /x are not copied into this file");
}

#include "config/config.hpp"

#include <filesystem>
#include <fstream>

#include "config/build.hpp"
#include "config/diff.hpp"
#include "config/paths.hpp"
#include "config/stores.hpp"
#include "support/catch.hpp"

using config::Config;
using config::parse;
using replica::Errc;
using namespace std::chrono_literals;

namespace {

Config good(const std::string& text) {
  auto r = parse(text, "/etc/x.yml");
  INFO(text);
  if (!r) FAIL(r.error().message);
  return std::move(*r);
}

replica::Error bad(const std::string& text) {
  auto r = parse(text, "/etc/x.yml");
  INFO(text);
  REQUIRE_FALSE(r);
  return r.error();
}

// A database with the given further lines (indented by four).
std::string db(const std::string& more = "") { return "dbs:\n  - path: /x\n" + more + "    replica: {path: /r}\n"; }

}  // namespace

TEST_CASE("an empty file means the defaults") {
  const Config c = good(GENERATE("", "# nothing\n", "dbs: []\n", "dbs:\nsnapshot:\nsocket:\n"));
  CHECK(c.databases.empty());
  CHECK_FALSE(c.socket.is_on());
  CHECK(c.socket.path_or_default() == "/var/run/litestream.sock");
  CHECK(c.socket.permissions == 0600);
  CHECK(c.levels.size() == 3);
  const auto o = config::replicator_options(c);
  CHECK(o.levels == std::vector<std::chrono::milliseconds>{30s, 5min, 1h});
  CHECK(o.snapshot_interval == 24h);
  CHECK(o.snapshot_retention == 24h);
  CHECK(o.l0_retention == 5min);
  CHECK(o.l0_retention_check_interval == 15s);
  CHECK(o.retention_enabled);
  CHECK(o.shutdown_sync_timeout == 30s);
  CHECK(o.shutdown_sync_interval == 500ms);
}

TEST_CASE("every global key is read") {
  const Config c = good(R"(
addr: "localhost:9090"
exec: "app --flag"
socket: {enabled: yes, path: /run/x.sock, permissions: 0660, persist-to-config: on}
logging: {level: debug, type: json, stderr: on}
levels: [{interval: 10s}, {interval: 1m}]
snapshot: {interval: 2h, retention: 3h}
l0-retention: 0
l0-retention-check-interval: 20s
retention: {enabled: no}
shutdown-sync-timeout: 0s
shutdown-sync-interval: 1s
sync-interval: 5s
)" + db());
  CHECK(c.addr == "localhost:9090");
  CHECK(c.exec == "app --flag");
  CHECK(c.socket.is_on());
  CHECK(c.socket.path == "/run/x.sock");
  CHECK(c.socket.permissions == 0660);
  CHECK(c.logging.level == "debug");
  CHECK(c.logging.type == "json");
  CHECK(c.logging.to_stderr);
  const auto o = config::replicator_options(c);
  CHECK(o.levels == std::vector<std::chrono::milliseconds>{10s, 1min});
  CHECK(o.snapshot_interval == 2h);
  CHECK(o.snapshot_retention == 3h);
  CHECK(o.l0_retention == 0ms);
  CHECK(o.l0_retention_check_interval == 20s);
  CHECK_FALSE(o.retention_enabled);
  CHECK(o.shutdown_sync_timeout == 0ms);
  CHECK(o.shutdown_sync_interval == 1s);
  CHECK(c.databases.at(0).replica->sync_interval == 5s);
}

TEST_CASE("every key of a database is read") {
  const Config c = good(R"(dbs:
  - path: /data/./app.db
    meta-path: /meta
    monitor-interval: 2s
    checkpoint-interval: 0
    busy-timeout: 3s
    min-checkpoint-page-count: 0x10
    truncate-page-n: -1
    max-sync-wal-bytes: 1_000
    restore-if-db-not-exists: true
    enabled: false
    auto-replicate: true
    convert-to-wal: false
    replica:
      type: file
      name: old
      path: /r/../backup/
      sync-interval: 250ms
)");
  const auto& settings = c.databases.at(0);
  CHECK(settings.path == "/data/app.db");
  CHECK_FALSE(settings.starts_by_itself());
  CHECK(c.find("/data/app.db") == &settings);
  CHECK(c.find("/data/none.db") == nullptr);
  const auto d = config::database_config(settings);
  CHECK(d.path == "/data/app.db");
  CHECK(d.meta_path == "/meta");
  CHECK(d.monitor_interval == 2s);
  CHECK(d.checkpoint_interval == 0ms);
  CHECK(d.busy_timeout == 3s);
  CHECK(d.min_checkpoint_page_count == 16);
  CHECK(d.truncate_page_n == -1);
  CHECK(d.max_sync_wal_bytes == 1000);
  CHECK(d.restore_if_not_exists);
  CHECK_FALSE(d.convert_to_wal);
  CHECK(d.sync_interval == 250ms);
  CHECK(d.replica_url == "file:///backup");
  REQUIRE(d.backend);
  CHECK(d.backend->type() == "file");
}

TEST_CASE("a database starts by itself only with both switches on") {
  CHECK(good(db()).databases.at(0).starts_by_itself());
  CHECK_FALSE(good(db("    enabled: no\n")).databases.at(0).starts_by_itself());
  CHECK_FALSE(good(db("    auto-replicate: no\n")).databases.at(0).starts_by_itself());
}

TEST_CASE("a closed database may lack a replica") {
  const Config c = good("dbs: [{path: /x, enabled: false}]");
  CHECK_FALSE(c.databases.at(0).replica);
  CHECK(config::database_config(c.databases.at(0)).backend == nullptr);
}

TEST_CASE("the socket is on when a path is given and off in many ways") {
  CHECK(good("socket: {path: /a}").socket.is_on());
  CHECK(good("socket: {enabled: true}").socket.is_on());
  CHECK_FALSE(good("socket: {enabled: false, path: /a}").socket.is_on());
  CHECK_FALSE(good("socket: \"\"").socket.is_on());
  CHECK_FALSE(good("socket: false").socket.is_on());
  CHECK_FALSE(good("socket: null").socket.is_on());
  CHECK(bad("socket: /a").message == "/etc/x.yml:1: socket: expected keys and values");
  const std::string longest(106, 'a');
  CHECK(good("socket: {path: /" + longest + "}").socket.is_on());
  CHECK(bad("socket: {path: /a" + longest + "}").message ==
        "socket.path: too long for a Unix socket (108 bytes, at most 107): /a" + longest);
}

TEST_CASE("validation errors read as the peer's") {
  struct Row {
    std::string text, message;
  };
  const std::string two_snapshots = R"(dbs:
  - {path: /x, snapshot: {%: 1h}, replica: {path: /r}}
  - {path: /x2, snapshot: {%: 2h}, replica: {path: /r2}}
)";
  const auto with = [&](std::string text, const std::string& key) {
    for (std::size_t at; (at = text.find('%')) != std::string::npos;) text.replace(at, 1, key);
    return text;
  };
  const std::string levels9 = "levels: [" + [] {
    std::string s;
    for (int i = 0; i < 9; ++i) s += "{interval: 1s},";
    return s;
  }() + "]";
  const std::vector<Row> rows{
      {"snapshot: {interval: 0s}", "snapshot.interval: snapshot interval must be greater than 0 (got 0s)"},
      {"snapshot: {retention: -1h}", "snapshot.retention: snapshot retention must be greater than 0 (got -1h0m0s)"},
      {"l0-retention: -1s", "l0-retention: l0 retention must not be negative (got -1s)"},
      {"l0-retention-check-interval: 0s",
       "l0-retention-check-interval: l0 retention check interval must be greater than 0 (got 0s)"},
      {"shutdown-sync-timeout: -1s", "shutdown-sync-timeout: shutdown-sync-timeout must be >= 0 (got -1s)"},
      {"shutdown-sync-interval: 0s", "shutdown-sync-interval: shutdown sync interval must be greater than 0 (got 0s)"},
      {"heartbeat-url: ftp://x", "heartbeat-url: heartbeat URL must be a valid HTTP or HTTPS URL (got ftp://x)"},
      {"heartbeat-interval: 30s", "heartbeat-interval: heartbeat interval must be at least 1 minute (got 30s)"},
      {"levels: [{interval: 0s}]", "levels[0].interval: compaction interval must be greater than 0 (got 0s)"},
      {levels9, "cannot open store: compaction level cannot exceed 8"},
      {"dbs: [{path: /x, replica: {path: /r, sync-interval: 0s}}]",
       "dbs[/x].replica.sync-interval: sync interval must be greater than 0 (got 0s)"},
      {"dbs: [{path: /x, replicas: [{path: /r, sync-interval: 0s}]}]",
       "dbs[/x].replicas[0].sync-interval: sync interval must be greater than 0 (got 0s)"},
      {"dbs: [{path: /x, dir: /d}]", "database config #1: cannot specify both 'path' and 'dir'"},
      {"dbs: [{}]", "database config #1: must specify either 'path' or 'dir'"},
      {"dbs: [{dir: /d}]", "database config #1: 'pattern' is required when using 'dir'"},
      {"dbs: [{path: /x, watch: true}]", "database config #1: 'watch' can only be enabled with a directory"},
      {"dbs: [{path: /x, meta-dir: /m}]", "database config #1: 'meta-dir' can only be used with a directory"},
      {"dbs: [{dir: /d, pattern: '*.db', meta-dir: /m, meta-path: /p}]",
       "database config #1: cannot specify both 'meta-path' and 'meta-dir'"},
      {with(two_snapshots, "interval"), "conflicting database snapshot intervals: /x has 1h0m0s, /x2 has 2h0m0s"},
      {with(two_snapshots, "retention"), "conflicting database snapshot retentions: /x has 1h0m0s, /x2 has 2h0m0s"},
      {"dbs: [{path: /x}]", "must specify replica for database"},
      {"dbs: [{path: /x, replica: {path: /r}, replicas: [{path: /s}]}]",
       "cannot specify 'replica' and 'replicas' on a database"},
      {"dbs: [{path: /x, replicas: [{path: /r}, {path: /s, sync-interval: 0s}]}]",
       "dbs[/x].replicas[1].sync-interval: sync interval must be greater than 0 (got 0s)"},
      {"dbs:\n- path: /x\n  replicas:\n  - path: /r\n  - url: 'file:///r/'\n",
       "database config #1: replica \"/r\" is already used on line 4"},
      {"dbs:\n- path: /x\n  replicas:\n  - {path: /r, name: one}\n  - {path: /s, name: one}\n",
       "dbs[/x].replicas: name \"one\" is already used on line 4"},
      {"dbs: [{path: /x, replica: {path: /r}}, {path: /y, replicas: [{path: /s}, {path: /r}]}]",
       "database config #2: replica \"/r\" is already used by database config #1"},
      {"dbs: [{path: /x, replicas: []}]", "must specify replica for database"},
      {"dbs: [{path: /x, replica: {path: /r}}, {path: /y/../x, replica: {path: /s}}]",
       "database config #2: duplicate path \"/x\" (already used by database config #1); each database can be listed "
       "only once"},
      {"dbs: [{path: /x, replica: {path: /r}}, {path: /y, replica: {url: 'file:///r/'}}]",
       "database config #2: replica \"/r\" is already used by database config #1"},
      {"dbs: [{path: /x, replica: {path: /r, url: 'file:///r'}}]", "cannot specify url & path for file replica"},
      {"dbs: [{path: /x, replica: {}}]", "file replica path required"},
      {"dbs: [{path: /x, replica: {path: 'file:///r'}}]",
       "replica path cannot be a url, please use the 'url' field instead: file:///r"},
      {"dbs: [{path: /x, replica: {type: zz, path: /r}}]", "unknown replica type in config: \"zz\""},
      {"dbs: [{path: /x, replica: {url: 'zz://b/p'}}]", "unknown replica type in config: \"zz\""},
      {"addr: foo", "must specify port for bind address: \"foo\""},
      {db("    min-checkpoint-page-count: 0\n"),
       "dbs[/x].min-checkpoint-page-count: minimum checkpoint page count required"},
      {db("    monitor-interval: 0s\n"), "dbs[/x].monitor-interval: must be greater than 0"},
      {"logging: {type: xml}", "logging.type: must be text, json or pretty (got \"xml\")"},
      {"socket: {path: /s, permissions: 07777}", "socket.permissions: not a file mode, write it as 0600"},
  };
  for (const Row& row : rows) {
    const auto error = bad(row.text);
    INFO(row.text);
    CHECK(error.message == row.message);
    CHECK(error.hint.starts_with("see /etc/x.yml"));
  }
}

TEST_CASE("several replicas of a database keep their order, names and paces") {
  const Config c = good(
      "sync-interval: 3s\n"
      "dbs: [{path: /x, replicas: [{path: /r, name: near}, {url: 's3://b/p', sync-interval: 5s}, {path: /t}]}]");
  const auto all = c.databases.at(0).all_replicas();
  REQUIRE(all.size() == 3);
  CHECK(all[0]->name == "near");
  CHECK(all[1]->type == "s3");
  const replica::DatabaseConfig d = database_config(c.databases[0]);
  CHECK(d.replica_url == "file:///r");
  CHECK(d.replica_name == "near");
  CHECK(d.sync_interval == 3s);
  REQUIRE(d.more_replicas.size() == 2);
  CHECK(d.more_replicas[0].url == "s3://b/p");
  CHECK(d.more_replicas[0].sync_interval == 5s);
  CHECK(d.more_replicas[0].layout == replica::KeyLayout::hex_levels);
  CHECK(d.more_replicas[0].server != d.more_replicas[1].server);
  CHECK(replica::destinations(d).size() == 3);
}

TEST_CASE("a changed list of replicas is a changed database") {
  const Config one = good("dbs: [{path: /x, replicas: [{path: /r}]}]");
  const Config same = good("dbs: [{path: /x, replica: {url: 'file:///r'}}]");
  const Config two = good("dbs: [{path: /x, replicas: [{path: /r}, {path: /s}]}]");
  const Config moved = good("\ndbs: [{path: /x, replicas: [{url: 'file:///r'}, {path: /s/}]}]");
  CHECK(same_settings(one.databases[0], same.databases[0]));
  CHECK_FALSE(same_settings(one.databases[0], two.databases[0]));
  CHECK(same_settings(two.databases[0], moved.databases[0]));
}

TEST_CASE("an error of validation names the line in its hint") {
  CHECK(bad("\n\nl0-retention: -1s").hint == "see /etc/x.yml:3");
  CHECK(bad("snapshot:\n  interval: 0s\n").hint == "see /etc/x.yml:1");
  CHECK(bad("dbs:\n  - path: /x\n    replica:\n      path: /r\n      sync-interval: 0s\n").hint == "see /etc/x.yml:3");
}

TEST_CASE("one snapshot setting of a database stands for the global one") {
  const Config c = good("dbs: [{path: /x, snapshot: {interval: 1h}, replica: {path: /r}}]");
  CHECK(c.snapshot.interval == 1h);
  CHECK(c.snapshot.retention == 24h);
  CHECK(good("snapshot: {interval: 3h}\ndbs: [{path: /x, snapshot: {interval: 1h}, replica: {path: /r}}]")
            .snapshot.interval == 3h);
}

TEST_CASE("unknown keys are refused with their line and the nearest known one") {
  const auto e = bad("addr: ':1'\ndbs:\n  - path: /x\n    replica:\n      path: /r\n      sync-intervall: 1s\n");
  CHECK(e.message == "/etc/x.yml:6: unknown key \"sync-intervall\" in dbs[0].replica");
  CHECK(e.hint == "did you mean \"sync-interval\"?");
  CHECK(bad("socket: {pth: /a}").hint == "did you mean \"path\"?");
  CHECK(bad("db: []").hint == "did you mean \"dbs\"?");
  const auto far = bad("something-else: 1");
  CHECK(far.message == "/etc/x.yml:1: unknown key \"something-else\"");
  CHECK(far.hint == "remove the key; the known ones are listed by -help-config");
}

TEST_CASE("what only the peer has is said to be missing") {
  const auto e = bad("addr: ':1'\nmcp-addr: ':2'\n");
  CHECK(e.code == Errc::unsupported);
  CHECK(e.message == "/etc/x.yml:2: key \"mcp-addr\" is not supported by this build yet");
  CHECK(bad("dbs: [{path: /x, replica: {path: /r, age: {identities: [a]}}}]").message ==
        "/etc/x.yml:1: key \"age\" in dbs[0].replica is not supported by this build yet");
  CHECK(bad("heartbeat-url: http://x").message == "heartbeat-url is not supported by this build yet");
  CHECK(bad("dbs: [{dir: /d, pattern: '*.db'}]").message ==
        "database config #1: 'dir' is not supported by this build yet");
  CHECK(bad("logging: {source: true}").code == Errc::unsupported);
}

TEST_CASE("scalars follow YAML 1.1") {
  CHECK(good("socket: {path: 123}").socket.path.ends_with("/123"));
  CHECK(good("socket: {path: /s, permissions: 0o640}").socket.permissions == 0640);
  CHECK(good("socket: {path: /s, permissions: 384}").socket.permissions == 0600);
  CHECK(bad("socket: {permissions: \"0600\"}").message ==
        "/etc/x.yml:1: socket.permissions: expected an integer, found \"0600\"");
  CHECK(bad("socket: {permissions: 0800}").message ==
        "/etc/x.yml:1: socket.permissions: expected an integer, found \"0800\"");
  CHECK(bad("socket: {permissions: -1}").message == "/etc/x.yml:1: socket.permissions: number out of range: -1");
  CHECK(bad("retention: {enabled: \"yes\"}").message ==
        "/etc/x.yml:1: retention.enabled: expected true or false, found \"yes\"");
  CHECK(bad("retention: {enabled: maybe}").message ==
        "/etc/x.yml:1: retention.enabled: expected true or false, found \"maybe\"");
  CHECK(bad("l0-retention: [1s]").message == "/etc/x.yml:1: l0-retention: expected a duration, found a list");
  CHECK(bad("addr: {a: b}").message == "/etc/x.yml:1: addr: expected a text, found a map");
  CHECK(bad("dbs: 1").message == "/etc/x.yml:1: dbs: expected a list");
  const auto words = GENERATE("y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE");
  CHECK(good("logging: {stderr: " + std::string(words) + "}").logging.to_stderr);
}

TEST_CASE("durations need a unit") {
  const auto e = bad("\nl0-retention: 30\n");
  CHECK(e.message == "/etc/x.yml:2: l0-retention: missing unit in duration \"30\"");
  CHECK(e.hint.starts_with("write 30s for seconds"));
  CHECK(bad("l0-retention: 1d").message == "/etc/x.yml:1: l0-retention: unknown unit \"d\" in duration \"1d\"");
}

TEST_CASE("broken YAML is refused with its line") {
  CHECK(bad("a: [1\n").message.starts_with("/etc/x.yml:2: yaml: "));
  CHECK(bad("dbs:\n\t- path: /x\n").message.starts_with("/etc/x.yml:2: yaml: "));
  CHECK(bad("addr: ':1'\naddr: ':2'\n").message == "/etc/x.yml:2: key \"addr\" is given twice");
  CHECK(bad("addr: ':1'\n---\naddr: ':2'\n").message == "/etc/x.yml:1: yaml: more than one document in the file");
  CHECK(bad("- a\n").message == "/etc/x.yml:1: expected keys and values");
  CHECK(bad("just a word").message == "/etc/x.yml:1: expected keys and values");
  std::string deep = "exec: ";
  for (int i = 0; i < 100; ++i) deep += "[";
  for (int i = 0; i < 100; ++i) deep += "]";
  CHECK(bad(deep).message == "/etc/x.yml:1: yaml: nested too deeply");
}

TEST_CASE("anchors and merge keys work") {
  const Config c = good(R"(dbs:
  - &a {path: /x, busy-timeout: 7s, replica: {path: /r}}
  - {<<: *a, path: /y, replica: {path: /s}}
)");
  CHECK(c.databases.at(1).path == "/y");
  CHECK(c.databases.at(1).busy_timeout == 7s);
  CHECK(c.databases.at(1).replica->root == "/s");
}

TEST_CASE("file urls are decoded") {
  struct Row {
    const char *url, *path;
  };
  const auto row = GENERATE(values<Row>({{"file:///abs/p", "/abs/p"},
                                         {"file:///a%20b/", "/a b"},
                                         {"file:///a b", "/a b"},
                                         {"file:///100%25", "/100%"},
                                         {"file:///a?x=1", "/a"},
                                         {"file:///a#b", "/a#b"},
                                         {"file://tmp/x", "/tmp/x"},
                                         {"FILE:///a//b/../c", "/a/c"},
                                         {"file://~/zz", "/~/zz"}}));
  INFO(row.url);
  const auto path = config::parse_file_url(row.url);
  REQUIRE(path);
  CHECK(*path == row.path);
  CHECK(config::parse_file_url(config::file_url(*path)).value() == *path);
}

TEST_CASE("what is no file url is refused") {
  CHECK(config::parse_file_url("/abs").error().message == "replica url scheme required: /abs");
  CHECK(config::parse_file_url("file://").error().message == "file replica path required");
  CHECK(config::parse_file_url("file:///a%2").error().message == "invalid escape in replica url: %2");
  CHECK(config::parse_file_url("file:///a%zz").error().message == "invalid escape in replica url: %zz");
  CHECK(config::parse_file_url("s3://b/p").error().message == "not the url of a file replica: s3://b/p");
}

TEST_CASE("what is no replica url is refused") {
  CHECK(config::replica_at("/abs").error().message == "replica url scheme required: /abs");
  CHECK(config::replica_at("zz://x").error().message == "unknown replica type in config: \"zz\"");
}

TEST_CASE("paths become absolute") {
  const auto cwd = std::filesystem::current_path().string();
  CHECK(config::absolute_path("a/../b.db").value() == cwd + "/b.db");
  CHECK(config::absolute_path("sqlite:///a/b").value() == "/a/b");
  CHECK(config::absolute_path("sqlite3:///a/b").value() == "/a/b");
  CHECK(config::absolute_path("//a//b/").value() == "/a/b");
  CHECK(config::absolute_path("/").value() == "/");
  CHECK(config::absolute_path("").error().message == "path required");
  REQUIRE(::setenv("HOME", "/home/me", 1) == 0);
  CHECK(config::absolute_path("~/x").value() == "/home/me/x");
  CHECK(config::absolute_path("~").value() == "/home/me");
  CHECK(config::absolute_path("~x").value() == cwd + "/~x");
}

TEST_CASE("the file is found by flag, environment or default") {
  const auto none = [](std::string_view) { return std::optional<std::string>(); };
  const auto named = [](std::string_view name) {
    return name == "LITESTREAM_CONFIG" ? std::optional<std::string>("/env.yml") : std::nullopt;
  };
  CHECK(config::config_path("/flag.yml", named) == "/flag.yml");
  CHECK(config::config_path("", named) == "/env.yml");
  CHECK(config::config_path("", none) == "/etc/litestream.yml");
}

TEST_CASE("a file is expanded before it is read, unless told otherwise") {
  const auto file = std::filesystem::temp_directory_path() / ("litestream-config-" + std::to_string(::getpid()));
  std::ofstream(file) << "exec: run $WHO\n";
  config::LoadOptions options;
  options.environment = [](std::string_view name) {
    return name == "WHO" ? std::optional<std::string>("me") : std::nullopt;
  };
  CHECK(config::load(file.string(), options).value().exec == "run me");
  options.expand_environment = false;
  CHECK(config::load(file.string(), options).value().exec == "run $WHO");
  std::filesystem::remove(file);
  const auto missing = config::load(file.string(), options);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == Errc::not_found);
  CHECK(missing.error().message == "config file not found: " + file.string());
}

TEST_CASE("arguments make a configuration of one database") {
  const auto c = config::from_arguments("/a.db", "file:///r%20s");
  REQUIRE(c);
  CHECK(c->databases.at(0).path == "/a.db");
  CHECK(c->databases.at(0).replica->root == "/r s");
  CHECK(c->databases.at(0).starts_by_itself());
  CHECK(config::from_arguments("/a.db", "zz://b").error().message == "unknown replica type in config: \"zz\"");
  CHECK(config::from_arguments("/a.db", "s3://b/p")->databases.at(0).replica->location == "s3://b/p");
  CHECK(config::from_arguments("/a.db", "r").error().message == "replica url scheme required: r");
}

TEST_CASE("ten thousand databases are read without ado") {
  std::string text = "dbs:\n";
  for (int i = 0; i < 10'000; ++i)
    text += "  - path: /d/" + std::to_string(i) + "\n    replica: {path: /r/" + std::to_string(i) + "}\n";
  CHECK(good(text).databases.size() == 10'000);
}

TEST_CASE("the help names every key that works") {
  const std::string help = config::describe_keys();
  for (const char* key : {"dbs", "convert-to-wal", "sync-interval", "permissions", "l0-retention-check-interval"})
    CHECK(help.find(std::string("  ") + key + " ") != std::string::npos);
  CHECK(help.find("  bucket ") != std::string::npos);
  CHECK(help.find("mcp-addr") == std::string::npos);
}

TEST_CASE("the sample configuration is valid, and so are its examples") {
  std::ifstream in(GOLDEN_DIR "/../../packaging/litestream.yml");
  REQUIRE(in);
  std::string shown, examples;
  for (std::string line; std::getline(in, line);) {
    shown += line + "\n";
    // Examples are the commented lines that look like YAML, not prose.
    const bool is_example = line.starts_with("# ") && (line.find(": ") != std::string::npos || line.ends_with(':'));
    const bool is_prose = line.find('`') != std::string::npos || line.find(". ") != std::string::npos ||
                          line.starts_with("# The ") || line.starts_with("# Control ");
    if (is_example && !is_prose) examples += line.substr(2) + "\n";
  }
  CHECK(good(shown).socket.is_on());
  const Config c = good(examples);
  CHECK(c.databases.size() == 3);
  CHECK(c.addr == "localhost:9090");
  CHECK(c.snapshot.interval == 24h);
  CHECK(c.logging.type == "text");
}

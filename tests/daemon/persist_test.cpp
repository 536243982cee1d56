#include "config/persist.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "config/yaml_edit.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

namespace {

using replica::Errc;

config::LoadOptions options() {
  config::LoadOptions out;
  out.environment = [](std::string_view name) -> std::optional<std::string> {
    if (name == "HERE") return "/a/rather/long/directory";
    if (name == "OFF") return "false";
    if (name == "LIST") return "[]";
    return std::nullopt;
  };
  return out;
}

std::string changed(const std::string& text, const std::string& path, bool enabled) {
  auto out = config::with_change(text, config::SetEnabled{path, enabled}, options());
  REQUIRE(out);
  return *out;
}

replica::Error refused(const std::string& text, const std::string& path) {
  auto out = config::with_change(text, config::SetEnabled{path, false}, options());
  REQUIRE_FALSE(out);
  return out.error();
}

std::string added(const std::string& text, const config::DatabaseSettings& settings) {
  auto out = config::with_change(text, config::SetEnabled{settings.path, true, &settings}, options());
  REQUIRE(out);
  return *out;
}

config::DatabaseSettings tenant() {
  config::DatabaseSettings out;
  out.path = "/data/t 1.db";
  out.replica.emplace().root = "/r/t\"1";
  return out;
}

std::string contents(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

}  // namespace

TEST_CASE("a key that is there is changed, one that is not is put in front") {
  const std::string block =
      "# ours\n"
      "dbs:\n"
      "  - path: /a.db   # the first\n"
      "    replica: {path: /r/a}\n"
      "  - replica: {path: /r/b}\n"
      "    enabled: true # for now\n"
      "    path: /b.db\n";
  CHECK(changed(block, "/b.db", false) ==
        "# ours\n"
        "dbs:\n"
        "  - path: /a.db   # the first\n"
        "    replica: {path: /r/a}\n"
        "  - replica: {path: /r/b}\n"
        "    enabled: false # for now\n"
        "    path: /b.db\n");
  CHECK(changed(block, "/a.db", false) ==
        "# ours\n"
        "dbs:\n"
        "  - enabled: false\n"
        "    path: /a.db   # the first\n"
        "    replica: {path: /r/a}\n"
        "  - replica: {path: /r/b}\n"
        "    enabled: true # for now\n"
        "    path: /b.db\n");
  CHECK(changed(block, "/a.db", true) == block);
  CHECK(changed("dbs: [{path: /a, replica: {path: /r}, enabled: no}, {path: /b, enabled: no}]", "/a", true) ==
        "dbs: [{path: /a, replica: {path: /r}, enabled: true}, {path: /b, enabled: no}]");
  CHECK(changed("dbs: [{path: /a, replica: {path: /r}}]", "/a", false) ==
        "dbs: [{enabled: false, path: /a, replica: {path: /r}}]");
  CHECK(changed("dbs:\n- path: /a\n  enabled:\n  replica: {path: /r}\n", "/a", false) ==
        "dbs:\n- path: /a\n  enabled: false\n  replica: {path: /r}\n");
  CHECK(
      changed(
          "dbs:\r\n- path: /\xc3\xa4\r\n  replica: {path: /r}\r\n- path: /b\r\n  enabled: yes\r\n  replica: {path: /q}",
          "/b", false) ==
      "dbs:\r\n- path: /\xc3\xa4\r\n  replica: {path: /r}\r\n- path: /b\r\n  enabled: false\r\n  replica: {path: /q}");
}

TEST_CASE("variables stay variables") {
  CHECK(changed("dbs:\n  - {path: ${HERE}/a.db, replica: {path: $HERE/r}, enabled: true} # $HERE\n",
                "/a/rather/long/directory/a.db",
                false) == "dbs:\n  - {path: ${HERE}/a.db, replica: {path: $HERE/r}, enabled: false} # $HERE\n");
  CHECK(changed("dbs:\n  - path: $HERE/a.db\n    enabled: ${OFF}\n    replica: {path: $HERE/r}\n",
                "/a/rather/long/directory/a.db",
                true) == "dbs:\n  - path: $HERE/a.db\n    enabled: true\n    replica: {path: $HERE/r}\n");
  CHECK(changed("# ${HERE}\ndbs:\n  - path: $HERE/a.db\n    replica: {path: $HERE/r}\n",
                "/a/rather/long/directory/a.db",
                false) == "# ${HERE}\ndbs:\n  - enabled: false\n    path: $HERE/a.db\n    replica: {path: $HERE/r}\n");
}

TEST_CASE("what cannot be changed on its own is refused") {
  CHECK(refused("dbs: []", "/a.db").code == Errc::not_found);
  CHECK(
      refused("dbs:\n  - &base {path: /a, replica: {path: /r}}\n  - {<<: *base, path: /b, replica: {path: /q}}\n", "/a")
          .message == "the change would touch other databases too");
  CHECK(refused("retention: {enabled: &on true}\ndbs: [{path: /a, enabled: *on, replica: {path: /r}}]", "/a").message ==
        "enabled does not stand beside its value");
  CHECK(refused("dbs: [", "/a").message.starts_with("the file is not valid any more: "));
  CHECK(changed("dbs:\n  - &a\n    path: /a\n    replica: {path: /r}\n", "/a", false) ==
        "dbs:\n  - &a\n    enabled: false\n    path: /a\n    replica: {path: /r}\n");
  // A merged key gets one of its own beside it.
  CHECK(changed("dbs:\n  - &b {path: /b, enabled: no}\n  - <<: *b\n    path: /a\n    replica: {path: /r}\n", "/a",
                true) ==
        "dbs:\n  - &b {path: /b, enabled: no}\n  - enabled: true\n    <<: *b\n    path: /a\n    replica: {path: /r}\n");
}

TEST_CASE("new databases get an entry") {
  const std::string entry = "- path: \"/data/t 1.db\"\n    enabled: true\n    replica:\n      path: \"/r/t\\\"1\"";
  CHECK(added("dbs: []\nsocket: {path: /s}\n", tenant()) == "dbs:\n  " + entry + " \nsocket: {path: /s}\n");
  CHECK(added("dbs:\nsocket: {path: /s}\n", tenant()) == "dbs:\n  " + entry + "\nsocket: {path: /s}\n");
  CHECK(added("socket: {path: /s}", tenant()) == "socket: {path: /s}\ndbs:\n  " + entry + "\n");
  // Behind the others, in the style of the list.
  CHECK(added("dbs:\n  - path: /a\n    enabled: no\n", tenant()) ==
        "dbs:\n  - path: /a\n    enabled: no\n  " + entry + "\n");
  CHECK(added("dbs:\n  - path: /a\n    enabled: no", tenant()) == "dbs:\n  - path: /a\n    enabled: no\n  " + entry);
  CHECK(added("dbs:\n  - path: /a\n    enabled: no\n    # of a\n\n# the rest\naddr: :1\n", tenant()) ==
        "dbs:\n  - path: /a\n    enabled: no\n    # of a\n  " + entry + "\n\n# the rest\naddr: :1\n");
  const std::string flow = R"({path: "/data/t 1.db", enabled: true, replica: {path: "/r/t\"1"}})";
  CHECK(added("dbs: [{path: /a, enabled: no}] # all", tenant()) ==
        "dbs: [{path: /a, enabled: no}, " + flow + "] # all");
  CHECK(added("dbs: [\n  {path: \"/}\", enabled: no},\n]\n", tenant()) ==
        "dbs: [\n  {path: \"/}\", enabled: no}, " + flow + ",\n]\n");
  auto other = tenant();
  CHECK_FALSE(config::with_change("dbs: $LIST\nlevels: []\n", config::SetEnabled{other.path, true, &other}, options()));
  other.path = "/with/a/$dollar";
  CHECK_FALSE(config::with_change("dbs: []", config::SetEnabled{other.path, true, &other}, options()));
}

TEST_CASE("every setting of an entry is read back as it was") {
  auto settings = tenant();
  settings.meta_path = "/meta";
  settings.monitor_interval = std::chrono::milliseconds(1500);
  settings.checkpoint_interval = std::chrono::hours(2);
  settings.busy_timeout = std::chrono::seconds(9);
  settings.min_checkpoint_page_count = 7;
  settings.truncate_page_n = -1;
  settings.max_sync_wal_bytes = 0;
  settings.restore_if_db_not_exists = true;
  settings.convert_to_wal = false;
  settings.replica->sync_interval = std::chrono::milliseconds(250);
  const auto read = config::parse("dbs:\n  - " + config::entry_text(settings, false, "    ") + "\n", "x.yml");
  REQUIRE(read);
  const config::DatabaseSettings& db = read->databases.at(0);
  CHECK(db.path == settings.path);
  CHECK_FALSE(db.enabled);
  CHECK(db.meta_path == settings.meta_path);
  CHECK(db.monitor_interval == settings.monitor_interval);
  CHECK(db.checkpoint_interval == settings.checkpoint_interval);
  CHECK(db.busy_timeout == settings.busy_timeout);
  CHECK(db.min_checkpoint_page_count == 7);
  CHECK(db.truncate_page_n == -1);
  CHECK(db.max_sync_wal_bytes == 0);
  CHECK(db.restore_if_db_not_exists);
  CHECK_FALSE(db.convert_to_wal);
  CHECK(db.replica->root == settings.replica->root);
  CHECK(db.replica->sync_interval == settings.replica->sync_interval);
}

TEST_CASE("an entry with several replicas is written as a list") {
  auto settings = tenant();
  settings.replica->name = "near";
  settings.replicas.emplace_back().root = "/far";
  const std::string block = "dbs:\n  - " + config::entry_text(settings, true, "    ") + "\n";
  const std::string flow = "dbs: [" + config::flow_entry_text(settings, true) + "]";
  for (const std::string& text : {block, flow, added("dbs: []\n", settings)}) {
    INFO(text);
    const auto read = config::parse(text, "x.yml");
    REQUIRE(read);
    const config::DatabaseSettings& db = read->databases.at(0);
    CHECK(db.replica->name == "near");
    CHECK(db.replica->root == settings.replica->root);
    REQUIRE(db.replicas.size() == 1);
    CHECK(db.replicas[0].root == "/far");
  }
}

namespace {

std::string without(const std::string& text, const std::string& path) {
  auto out = config::with_change(text, config::RemoveEntry{path}, options());
  INFO((out ? "" : out.error().message));
  REQUIRE(out);
  return *out;
}

std::string not_without(const std::string& text, const std::string& path) {
  auto out = config::with_change(text, config::RemoveEntry{path}, options());
  REQUIRE_FALSE(out);
  return out.error().message;
}

}  // namespace

TEST_CASE("an entry is taken out with its own lines only") {
  const std::string head = "# ours\nsocket: {path: /s} # here\ndbs:\n  # the first\n";
  const std::string a = "  - path: /a.db   # main\n    # often\n    replica:\n      path: /r/a\n    # deeper\n";
  const std::string between = "\n  # the second\n";
  const std::string b = "  -\n    replica: {path: /r/b,\n      sync-interval: 2s}\n    path: $HERE/b.db\n";
  const std::string c = "  - {path: /c.db, replica: {path: /r/c}}\n";
  const std::string tail = "  # behind\n\n    # and deeper\nlevels: []\n";
  const std::string all = head + a + between + b + c + tail;
  CHECK(without(all, "/a.db") == head + between + b + c + tail);
  CHECK(without(all, "/a/rather/long/directory/b.db") == head + a + between + c + tail);
  CHECK(without(all, "/c.db") == head + a + between + b + tail);
  CHECK(without(all, "/d.db") == all);
  CHECK(without(without(without(all, "/c.db"), "/a.db"), "/a/rather/long/directory/b.db") ==
        "# ours\nsocket: {path: /s} # here\ndbs: []\n  # the first\n" + between + tail);
}

TEST_CASE("lists at the margin, with Windows line ends, without a last line end") {
  CHECK(without("dbs:\n- path: /a\n  enabled: no\n- path: /b\n  enabled: no\naddr: :1\n", "/b") ==
        "dbs:\n- path: /a\n  enabled: no\naddr: :1\n");
  CHECK(without("dbs:\r\n- path: /a\r\n  enabled: no\r\n- path: /b\r\n  enabled: no", "/a") ==
        "dbs:\r\n- path: /b\r\n  enabled: no");
  CHECK(without("dbs:\r\n- path: /a\r\n  enabled: no\r\n- path: /b\r\n  enabled: no", "/b") ==
        "dbs:\r\n- path: /a\r\n  enabled: no\r\n");
  CHECK(without("dbs: # all\n- path: /a\n  enabled: no", "/a") == "dbs: [] # all\n");
  CHECK(without("dbs:\n- path: /a\n# left of it\n  enabled: no\n# below\naddr: :1\n", "/a") ==
        "dbs: []\n# below\naddr: :1\n");
}

TEST_CASE("an entry in braces is taken out with its comma") {
  const std::string three =
      "dbs: [{path: /a, enabled: no}, {path: \"/}b\", enabled: no} , {path: /c, enabled: no}] # x";
  CHECK(without(three, "/a") == "dbs: [{path: \"/}b\", enabled: no} , {path: /c, enabled: no}] # x");
  CHECK(without(three, "/}b") == "dbs: [{path: /a, enabled: no}, {path: /c, enabled: no}] # x");
  CHECK(without(three, "/c") == "dbs: [{path: /a, enabled: no}, {path: \"/}b\", enabled: no} ] # x");
  CHECK(without("dbs: [{path: /a, enabled: no}]", "/a") == "dbs: []");
  CHECK(without("dbs: [\n  {path: /a, enabled: no}, # a\n  {path: /b, enabled: no}, \n  {path: /c, enabled: no}\n]\n",
                "/b") == "dbs: [\n  {path: /a, enabled: no}, # a\n  {path: /c, enabled: no}\n]\n");
  CHECK(without("dbs: [\n  {path: ${HERE}, enabled: no},\n]\n", "/a/rather/long/directory") == "dbs: [\n]\n");
}

TEST_CASE("an entry that others lean on stays") {
  CHECK_FALSE(not_without("dbs:\n  - &base {path: /a, enabled: no}\n  - {<<: *base, path: /b}\n", "/a").empty());
  CHECK(without("dbs:\n  - &base {path: /a, enabled: no}\n  - {<<: *base, path: /b}\n", "/b") ==
        "dbs:\n  - &base {path: /a, enabled: no}\n");
  CHECK(not_without("dbs: [", "/a").starts_with("the file is not valid any more: "));
  config::LoadOptions list = options();
  list.environment = [](std::string_view) { return std::optional<std::string>("[{path: /a, enabled: no}]"); };
  CHECK_FALSE(config::with_change("dbs: $LIST\n", config::RemoveEntry{"/a"}, list));
}

TEST_CASE("the file is replaced whole, keeps its mode, and may be a link") {
  const support::TempDir dir;
  const std::string file = dir.path("real.yml"), link = dir.path("link.yml");
  std::ofstream(file) << "dbs: [{path: /a, replica: {path: /r}}]";
  REQUIRE(::chmod(file.c_str(), 0640) == 0);
  std::filesystem::create_symlink(file, link);
  config::KnownFile known;
  known.note_loaded(*config::load(link, options()));
  REQUIRE(config::persist(link, config::SetEnabled{"/a", false}, options(), known));
  CHECK(contents(file) == "dbs: [{enabled: false, path: /a, replica: {path: /r}}]");
  CHECK(std::filesystem::is_symlink(link));
  struct stat now{};
  REQUIRE(::stat(file.c_str(), &now) == 0);
  CHECK((now.st_mode & 07777) == 0640);
  CHECK(dir.files().size() == 2);
  std::filesystem::remove(file);
  CHECK_FALSE(config::persist(link, config::SetEnabled{"/a", false}, options(), known));
}

TEST_CASE("a file that somebody else has changed is left alone") {
  const support::TempDir dir;
  const std::string file = dir.path("x.yml"), before = "dbs: [{path: /a, replica: {path: /r}}]";
  std::ofstream(file) << before;
  config::KnownFile known;
  const config::Change stop = config::SetEnabled{"/a", false};
  // Nothing was read yet.
  CHECK_FALSE(config::persist(file, stop, options(), known));
  known.note_loaded(*config::load(file, options()));
  std::ofstream(file, std::ios::app) << " # by hand";
  const auto refused = config::persist(file, stop, options(), known);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::precondition_failed);
  CHECK(contents(file) == before + " # by hand");
  // What is said there already is no change.
  CHECK(config::persist(file, config::SetEnabled{"/a", true}, options(), known));
  CHECK(config::persist(file, config::RemoveEntry{"/b"}, options(), known));
  // Also when it is broken now.
  std::ofstream(file) << "dbs: [";
  CHECK(config::persist(file, stop, options(), known).error().code == Errc::precondition_failed);
  std::ofstream(file) << before + " # by hand";
  known.note_loaded(*config::load(file, options()));
  REQUIRE(config::persist(file, stop, options(), known));
  // Our own change is known.
  REQUIRE(config::persist(file, config::SetEnabled{"/a", true}, options(), known));
  REQUIRE(config::persist(file, config::RemoveEntry{"/a"}, options(), known));
  CHECK(contents(file) == "dbs: [] # by hand");
}

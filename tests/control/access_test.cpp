#include "control/access.hpp"

#include "control/access_fixture.hpp"

using namespace control_test;
using control::Access;
using control::AccessOptions;
using control::Principal;
using control::Role;

namespace {

std::shared_ptr<Access> open(AccessOptions options) {
  auto access = Access::open(std::move(options));
  if (!access) FAIL(access.error().message);
  return *access;
}

std::string outcome(const control::Result<control::PrincipalPtr>& caller) {
  if (!caller) return caller.error().reason;
  return (*caller)->name + " " + std::string(control::role_name((*caller)->role));
}

std::string remote(const Access& access, const char* authorization, bool loopback = true) {
  Access::Credentials credentials{.authorization = {}, .certificate_names = {}, .loopback = loopback};
  if (authorization != nullptr) credentials.authorization = authorization;
  return outcome(access.remote(credentials));
}

}  // namespace

TEST_CASE("globs over paths") {
  struct Row {
    const char* glob;
    const char* path;
    bool matches;
  };
  const Row row = GENERATE(values<Row>({
      {"/data/app.db", "/data/app.db", true},
      {"/data/app.db", "/data/app.dbx", false},
      {"/data/*", "/data/app.db", true},
      {"/data/*", "/data/x/app.db", false},
      {"/data/**", "/data/x/app.db", true},
      {"/data/*/app.db", "/data/x/app.db", true},
      {"/data/*/app.db", "/data/x/y/app.db", false},
      {"/data/tenant-?.db", "/data/tenant-7.db", true},
      {"/data?x", "/data/x", false},
      {"**", "/anything/at/all", true},
      {"*", "/data", false},
      {"", "/data", false},
      {"/data/a*b*c", "/data/abbbcbc", true},
      {"/data/a*b*c", "/data/abbbcb", false},
  }));
  CAPTURE(row.glob, row.path);
  CHECK(control::glob_matches(row.glob, row.path) == row.matches);
}

TEST_CASE("a glob that repeats itself takes no longer for it") {
  std::string glob;
  for (int i = 0; i < 100; ++i) glob += "*a";
  CHECK_FALSE(control::glob_matches(glob, "/" + std::string(2000, 'a')));
  CHECK_FALSE(control::glob_matches("/" + glob, "/" + std::string(2000, 'a') + "b"));
}

TEST_CASE("paths that only look like one of the caller's are not") {
  const Principal tenant{.name = "t", .databases = {"/data/t/*", "/data/t/**"}};
  CHECK(tenant.may_use("/data/t/a.db"));
  for (const char* path : {"/data/t/../u/a.db", "/data/t/./a.db", "//data/t/a.db", "/data/t//a.db", "/data/t/a.db/",
                           "data/t/a.db", "sqlite:///data/t/a.db", "~/t/a.db", ""}) {
    INFO(path);
    CHECK_FALSE(tenant.may_use(path));
  }
  CHECK(Principal{.name = "all"}.may_use("data/../x"));
}

TEST_CASE("tokens come from files and the environment, several a file") {
  const TempDir dir;
  const std::string file = dir / "tokens";
  write_file(file, "# since May\n" + token_of("new") + "\n\n  " + token_of("old") + "  \r\n");
  const auto access = open({.tokens = {{.name = "deploy", .file = file, .role = Role::operate},
                                       {.name = "watch", .env = "WATCH", .role = Role::read}},
                            .environment = [](std::string_view name) -> std::optional<std::string> {
                              return name == "WATCH" ? std::optional(token_of("env")) : std::nullopt;
                            }});
  CHECK(access->warnings().empty());
  CHECK(remote(*access, ("Bearer " + token_of("new")).c_str()) == "token deploy operate");
  CHECK(remote(*access, ("bearer   " + token_of("old") + " ").c_str()) == "token deploy operate");
  CHECK(remote(*access, ("Bearer " + token_of("env")).c_str()) == "token watch read");
  const std::string almost = "Bearer " + token_of("ne");
  for (const char* wrong : {almost.c_str(), "Bearer ", "Bearer", "Basic dXNlcg==", "", "Bearer # since May"}) {
    INFO(wrong);
    CHECK(remote(*access, wrong) == "unauthenticated");
  }
  CHECK(remote(*access, nullptr) == "unauthenticated");
}

TEST_CASE("tokens are exchanged at run time; what can not be read changes nothing") {
  const TempDir dir;
  const std::string file = dir / "tokens";
  write_file(file, token_of("one"));
  const auto access = open({.tokens = {{.name = "t", .file = file}}});
  write_file(file, token_of("two"), 0644);
  CHECK(remote(*access, ("Bearer " + token_of("one")).c_str()) == "token t read");
  REQUIRE(access->reload());
  CHECK(remote(*access, ("Bearer " + token_of("one")).c_str()) == "unauthenticated");
  CHECK(remote(*access, ("Bearer " + token_of("two")).c_str()) == "token t read");
  CHECK(access->warnings() == std::vector<std::string>{"token file can be read by others than its owner: " + file});
  write_file(file, "short");
  CHECK(access->reload().error().message == "token file " + file + ": token is shorter than 16 characters");
  write_file(file, "# none\n");
  CHECK(access->reload().error().message == "token file " + file + " has no token in it");
  std::filesystem::remove(file);
  CHECK(access->reload().error().message == "cannot read token file " + file + ": no such file or directory");
  CHECK(remote(*access, ("Bearer " + token_of("two")).c_str()) == "token t read");
  CHECK(Access::open({.tokens = {{.name = "t", .env = "NO_SUCH_VARIABLE_HERE"}}}).error().message ==
        "environment variable NO_SUCH_VARIABLE_HERE of token t is not set");
}

TEST_CASE("without anything configured a loopback address is open and others are closed") {
  const auto access = open({});
  CHECK(remote(*access, nullptr, true) == "anonymous admin");
  CHECK(remote(*access, "Basic dXNlcg==", true) == "anonymous admin");
  CHECK(remote(*access, nullptr, false) == "forbidden");
  CHECK(remote(*open({.insecure = true}), nullptr, false) == "anonymous admin");
}

TEST_CASE("processes by user and group, the first rule that holds") {
  const auto access = open({.peers = {{.uid = 1000, .gid = {}, .role = Role::operate},
                                      {.uid = {}, .gid = 50, .role = Role::read},
                                      {.uid = 1001, .gid = 51}}});
  CHECK(outcome(access->peer({.uid = 1000, .gids = {50}})) == "uid 1000 operate");
  CHECK(outcome(access->peer({.uid = 7, .gids = {7, 50}})) == "uid 7 read");
  CHECK(outcome(access->peer({.uid = 1001, .gids = {51}})) == "uid 1001 admin");
  CHECK(outcome(access->peer({.uid = 1001, .gids = {7}})) == "forbidden");
  CHECK(outcome(access->peer({.uid = 1002, .gids = {51}})) == "forbidden");
  CHECK(outcome(access->peer({.uid = 0})) == "uid 0 admin");
  CHECK(outcome(access->peer({.uid = ::geteuid()})) == "uid " + std::to_string(::geteuid()) + " admin");
  CHECK(outcome(open({})->peer({.uid = 7})) == "uid 7 admin");
}

TEST_CASE("a rate is kept, with bursts of a second's worth, for each caller by itself") {
  const auto access = open({.rate = 10});
  const Principal one{.name = "one"};
  const Principal two{.name = "two"};
  const auto start = std::chrono::steady_clock::time_point() + 1h;
  for (int i = 0; i < 10; ++i) CHECK_FALSE(access->spend(one, 1, start));
  CHECK(access->spend(one, 1, start) == 100ms);
  CHECK(access->spend(one, 1, start + 50ms) == 50ms);
  CHECK_FALSE(access->spend(two, 10, start));
  CHECK_FALSE(access->spend(one, 1, start + 100ms));
  CHECK(access->spend(one, 3, start + 100ms) == 300ms);
  CHECK_FALSE(access->spend(one, 100, start + 10s));  // a batch larger than a second's worth takes all of it
  CHECK(access->spend(one, 1, start + 10s) == 100ms);
  CHECK_FALSE(open({})->spend(one, 1'000'000, start));
}

TEST_CASE("roles and databases against the table") {
  const control::Method& stop = *control::find_method("stop");
  const control::Method& list = *control::find_method("list");
  const auto reason = [](const Principal& who, const control::Method& method, std::optional<std::string_view> path) {
    const auto error = control::authorise(who, method, path);
    return error ? error->reason + ": " + error->message : std::string("yes");
  };
  CHECK(reason({.name = "r", .role = Role::read}, stop, "/a.db") == "forbidden: not allowed: stop");
  CHECK(reason({.name = "o", .role = Role::operate}, stop, "/a.db") == "yes");
  const Principal tenant{.name = "t", .role = Role::admin, .databases = {"/t/*"}};
  CHECK(reason(tenant, stop, "/t/a.db") == "yes");
  CHECK(reason(tenant, stop, "/u/a.db") == "forbidden: not allowed: /u/a.db");
  CHECK(reason(tenant, list, {}) == "yes");
  // What tells of all databases in a form that is not known here stays closed to those who may use some.
  control::Method strange = list;
  strange.result.clear();
  CHECK(reason(tenant, strange, {}) == "forbidden: not allowed: list");
  CHECK(reason({.name = "r", .role = Role::read}, strange, {}) == "yes");
}

// The WebDAV backend against Apache's mod_dav.
#include "apache.hpp"

using namespace replica;
using namespace servers;

namespace {

std::vector<std::string> keys(Backend& backend, const std::string& prefix = "", const std::string& after = "") {
  std::vector<std::string> out;
  const auto listed = backend.list(prefix, after, [&](const ObjectInfo& o) { return out.push_back(o.key), true; }, {});
  INFO(error_of(listed));
  REQUIRE(listed);
  return out;
}

std::string read_back(Backend& backend, const std::string& key, ByteRange range = {}) {
  MemorySink out;
  auto got = backend.get(key, range, out, {});
  if (!got) return error_of(got);
  return {reinterpret_cast<const char*>(out.data().data()), out.data().size()};
}

std::vector<std::byte> bytes(const std::string& text) {
  const auto view = std::as_bytes(std::span(text));
  return {view.begin(), view.end()};
}

// Whether anything unfinished is left on the server.
bool has_unfinished(const Apache& apache) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(apache.path("")))
    if (entry.is_regular_file() && entry.path().extension() == ".tmp") return true;
  return false;
}

// Apache looks how long a file is before it opens it: who reads one that is being replaced by another of a different
// length may get the new one cut to the old length. The exam replaces so; files of one length are below.
void sit_exam_of_webdav(Backend& backend) {
  for (const ConformanceCase& one : conformance_cases()) {
    if (std::string(one.name) == "readers see whole objects") continue;
    INFO(one.name);
    CHECK(error_of(one.run(backend, "exam/some prefix", {})) == "none");
  }
}

}  // namespace

TEST_CASE("WebDAV passes the exam, whoever must say who they are") {
  if (skipped_without(kApache)) return;
  const std::string access = GENERATE("", "Basic", "Digest");
  const Apache apache(access);
  const auto backend = make_webdav_backend(apache.options(!access.empty()));
  sit_exam_of_webdav(*backend);
  CHECK(keys(*backend).empty());
  CHECK_FALSE(has_unfinished(apache));
}

TEST_CASE("WebDAV: objects are files of the server") {
  if (skipped_without(kApache)) return;
  const Apache apache;
  const auto backend = make_webdav_backend(apache.options());
  REQUIRE(put_error(*backend, "a b/c%d/e", bytes("data")) == "none");
  CHECK(tools::read_file(apache.path("some/app/a b/c%d/e")) == "data");
  CHECK(keys(*backend) == std::vector<std::string>{"a b/c%d/e"});
  CHECK(put_error(*backend, "a b", bytes("x")) == "invalid_argument: put a b: there is a folder of that name");
  CHECK(tools::read_file(apache.path("some/app/a b/c%d/e")) == "data");
  CHECK(put_error(*backend, "a b/c%d/e/f", bytes("x")).starts_with("invalid_argument: "));
  CHECK_FALSE(has_unfinished(apache));
}

TEST_CASE("WebDAV: a file that is replaced is always there, and whole") {
  if (skipped_without(kApache)) return;
  const Apache apache("Digest");
  const auto backend = make_webdav_backend(apache.options(true));
  const auto data = [](int of) { return std::vector<std::byte>(100'000, static_cast<std::byte>(of)); };
  REQUIRE(put_error(*backend, "shared", data(0)) == "none");
  std::atomic<bool> done = false;
  std::vector<std::string> errors(6, "none");
  {
    std::vector<std::jthread> threads;
    for (int writer = 1; writer <= 3; ++writer) {
      threads.emplace_back([&, writer] {
        std::string& error = errors[static_cast<std::size_t>(writer - 1)];
        for (int round = 0; round < 20 && error == "none"; ++round) error = put_error(*backend, "shared", data(writer));
        if (writer == 1) done = true;
      });
    }
    for (std::size_t reader = 3; reader < 6; ++reader) {
      threads.emplace_back([&, reader] {
        while (!done && errors[reader] == "none") {
          MemorySink out;
          errors[reader] = error_of(backend->get("shared", {}, out, {}));
          const auto& got = out.data();
          if (errors[reader] == "none" && (got.size() != 100'000 || got != std::vector(got.size(), got.front())))
            errors[reader] = "a mixture";
          std::size_t seen = 0;
          const auto count = [&](const ObjectInfo&) { return ++seen > 0; };
          if (!backend->list("s", "", count, {}) || seen != 1) errors[reader] = "not listed";
        }
      });
    }
  }
  for (const std::string& error : errors) CHECK(error == "none");
  CHECK_FALSE(has_unfinished(apache));
}

TEST_CASE("WebDAV: folders that have gone are made again") {
  if (skipped_without(kApache)) return;
  const Apache apache;
  const auto backend = make_webdav_backend(apache.options());
  REQUIRE(put_error(*backend, "db/ltx/0/x", bytes("1")) == "none");
  std::filesystem::remove_all(apache.path("some"));
  CHECK(keys(*backend).empty());
  CHECK(put_error(*backend, "db/ltx/0/x", bytes("2")) == "none");
  CHECK(read_back(*backend, "db/ltx/0/x") == "2");
}

TEST_CASE("WebDAV: a wrong password is told, and who has none is asked for it") {
  if (skipped_without(kApache)) return;
  const std::string access = GENERATE("Basic", "Digest");
  const Apache apache(access);
  auto options = apache.options(true);
  std::string hint = "check webdav-username and webdav-password";
  SECTION("password") { options.password = "hush-hush"; }
  SECTION("user") { options.user = "nobody"; }
  SECTION("none") {
    options.user.clear();
    hint = "set webdav-username and webdav-password";
  }
  const auto backend = make_webdav_backend(options);
  MemorySink out;
  const auto data = bytes("x");
  MemorySource body(data);
  std::vector<Error> errors;
  errors.push_back(backend->put("k", body, {}, {}).error());
  errors.push_back(backend->get("k", {}, out, {}).error());
  errors.push_back(backend->stat("k", {}).error());
  errors.push_back(backend->list("", "", [](const ObjectInfo&) { return true; }, {}).error());
  errors.push_back(backend->remove("k", {}).error());
  for (const Error& error : errors) {
    CHECK(error.code == Errc::permission_denied);
    CHECK(error.hint == hint);
    CHECK(error.message.find("hush") == std::string::npos);
  }
}

TEST_CASE("WebDAV: an address without a folder is no empty store") {
  if (skipped_without(kApache)) return;
  const Apache apache;
  auto options = apache.options();
  options.url += "/none";
  const auto backend = make_webdav_backend(options);
  MemorySink out;
  const auto seen = [](const ObjectInfo&) { return true; };
  for (const std::string& error : {error_of(backend->stat("k", {})), error_of(backend->get("k", {}, out, {})),
                                   error_of(backend->list("", "", seen, {})), error_of(backend->remove("k", {})),
                                   put_error(*backend, "k", bytes("x"))}) {
    INFO(error);
    CHECK(error.starts_with("invalid_argument: "));
    CHECK(error.ends_with("(HTTP 404)"));
  }
}

TEST_CASE("WebDAV: a server that knows no ranges is read from the beginning") {
  if (skipped_without(kApache)) return;
  const Apache apache("", "MaxRanges none\n");
  const auto backend = make_webdav_backend(apache.options());
  const auto data = some_bytes(3'000'000);
  const std::string text(reinterpret_cast<const char*>(data.data()), data.size());
  REQUIRE(put_error(*backend, "k", data) == "none");
  CHECK(read_back(*backend, "k") == text);
  CHECK(read_back(*backend, "k", {.offset = 2'000'000}) == text.substr(2'000'000));
  CHECK(read_back(*backend, "k", {.offset = 10, .length = 20}) == text.substr(10, 20));
  CHECK(read_back(*backend, "k", {.offset = 2'999'999, .length = 1}) == text.substr(2'999'999));
  CHECK(read_back(*backend, "k", {.offset = 2'999'999, .length = 2}).starts_with("out_of_range: "));
  CHECK(read_back(*backend, "k", {.offset = 3'000'001}).starts_with("out_of_range: "));
  CHECK(read_back(*backend, "k", {.offset = 3'000'000}).empty());
  sit_exam_of_webdav(*backend);
}

TEST_CASE("WebDAV: what a crash left a day ago is removed, nothing else") {
  if (skipped_without(kApache)) return;
  const Apache apache;
  REQUIRE(put_error(*make_webdav_backend(apache.options()), "f/a", bytes("1")) == "none");
  const std::string old = apache.path("some/app/f/.put-0123456789abcdef01234567.tmp");
  const std::string fresh = apache.path("some/app/f/.put-0123456789abcdef01234568.tmp");
  const std::string other = apache.path("some/app/f/x.tmp");
  for (const std::string& path : {old, fresh, other}) {
    std::ofstream(path) << "part";
    Apache::give_away(path);
  }
  const auto yesterday = std::filesystem::file_time_type::clock::now() - std::chrono::hours(25);
  for (const std::string& path : {old, other}) std::filesystem::last_write_time(path, yesterday);
  const auto backend = make_webdav_backend(apache.options());
  CHECK(keys(*backend) == std::vector<std::string>{"f/a"});
  REQUIRE(put_error(*backend, "f/b", bytes("2")) == "none");
  CHECK_FALSE(std::filesystem::exists(old));
  CHECK(std::filesystem::exists(fresh));
  CHECK(std::filesystem::exists(other));
}

TEST_CASE("WebDAV: an outage and a silent server are told as such, and pass") {
  if (skipped_without(kApache)) return;
  Apache apache("Digest");
  auto options = apache.options(true);
  options.progress_timeout = std::chrono::milliseconds(500);
  const auto backend = make_webdav_backend(options);
  REQUIRE(put_error(*backend, "k", bytes("1")) == "none");
  apache.server().silence();
  CHECK(put_error(*backend, "k", bytes("2")).starts_with("timed_out: "));
  apache.server().go_on();
  apache.server().kill();
  CHECK(put_error(*backend, "k", bytes("2")).starts_with("unavailable: "));
  CHECK(error_of(backend->stat("k", {})).starts_with("unavailable: "));
  apache.server().start();  // which knows none of the former nonces
  CHECK(put_error(*backend, "k", bytes("3")) == "none");
  CHECK(read_back(*backend, "k") == "3");
}

TEST_CASE("WebDAV: what may not be written is told") {
  if (skipped_without(kApache)) return;
  const Apache apache(
      "", "<Location /dav>\n<LimitExcept GET PROPFIND OPTIONS>\nRequire all denied\n</LimitExcept>\n</Location>\n");
  const auto backend = make_webdav_backend(apache.options());
  CHECK(keys(*backend).empty());
  CHECK(put_error(*backend, "k", bytes("1")) == "permission_denied: put k: (HTTP 403)");
}

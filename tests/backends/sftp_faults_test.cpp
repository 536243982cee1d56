// The SFTP backend when the server goes away, falls silent, fills up or says something else.
#include <sys/mount.h>

#include <atomic>

#include "sshd.hpp"

using namespace replica;
using namespace servers;
using namespace std::chrono_literals;

namespace {

// Calls something when a part of the body has been read.
class Interrupted final : public Source {
 public:
  Interrupted(const std::vector<std::byte>& data, std::function<void()> in_between)
      : inner_(data), in_between_(std::move(in_between)) {}
  Result<std::size_t> read(MutableBytes out) override {
    auto got = inner_.read(out.first(std::min<std::size_t>(out.size(), 65'536)));
    if (++reads_ == 10) in_between_();
    return got;
  }
  std::uint64_t size() const override { return inner_.size(); }
  Result<void> rewind() override { return inner_.rewind(); }

 private:
  MemorySource inner_;
  std::function<void()> in_between_;
  int reads_ = 0;
};

std::string get_error(Backend& backend, const std::string& key, const std::vector<std::byte>& wanted) {
  MemorySink sink;
  auto got = backend.get(key, {}, sink, {});
  if (got && sink.data() != wanted) return "other bytes";
  return error_of(got);
}

std::vector<std::string> unfinished(const Sshd& sshd) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(sshd.root())) {
    if (entry.path().extension() == ".tmp") found.push_back(entry.path().string());
  }
  return found;
}

}  // namespace

TEST_CASE("SFTP goes on after a restart of the server") {
  if (skipped_without(kSshd)) return;
  Sshd sshd;
  const auto backend = make_sftp_backend(sshd.options());
  const auto data = some_bytes(100'000);
  CHECK(put_error(*backend, "a", data) == "none");
  sshd.server().kill();
  CHECK(put_error(*backend, "b", data).starts_with("unavailable: connect to 127.0.0.1:"));
  sshd.server().start();
  CHECK(put_error(*backend, "b", data) == "none");
  CHECK(get_error(*backend, "a", data) == "none");
}

TEST_CASE("SFTP goes on after its connections were cut") {
  if (skipped_without(kSshd)) return;
  Sshd sshd;
  const auto backend = make_sftp_backend(sshd.options());
  const auto data = some_bytes(100'000);
  CHECK(put_error(*backend, "a", data) == "none");
  sshd.server().cut();
  CHECK(get_error(*backend, "a", data) == "none");
}

TEST_CASE("a put whose connection is cut in the middle leaves no object, and works again") {
  if (skipped_without(kSshd)) return;
  Sshd sshd;
  const auto backend = make_sftp_backend(sshd.options());
  const auto old = some_bytes(1000), data = some_bytes(20'000'000);
  CHECK(put_error(*backend, "old", old) == "none");
  for (const char* key : {"new", "old"}) {
    Interrupted body(data, [&] { sshd.server().cut(); });
    CHECK(error_of(backend->put(key, body, {}, {})).starts_with("unavailable: sftp "));
  }
  CHECK(error_of(backend->stat("new", {})) == "not_found: object new does not exist");
  CHECK(get_error(*backend, "old", old) == "none");
  // The parts are there, are not listed, and are removed a day later by whoever puts there first.
  const auto parts = unfinished(sshd);
  CHECK(parts.size() == 2);
  std::vector<std::string> keys;
  CHECK(error_of(backend->list("", "", [&](const ObjectInfo& one) { return keys.push_back(one.key), true; }, {})) ==
        "none");
  CHECK(keys == std::vector<std::string>{"old"});
  CHECK(put_error(*make_sftp_backend(sshd.options()), "old", old) == "none");
  CHECK(unfinished(sshd) == parts);
  for (const std::string& part : parts) run({"/usr/bin/touch", "-d", "25 hours ago", part});
  CHECK(put_error(*make_sftp_backend(sshd.options()), "old", old) == "none");
  CHECK(unfinished(sshd).empty());
}

TEST_CASE("retries bring a put through a restart of the server") {
  if (skipped_without(kSshd)) return;
  Sshd sshd;
  const auto data = some_bytes(20'000'000);
  const auto backend = make_retrying_backend(make_sftp_backend(sshd.options()), {.wait = [&](auto, const Call&) {
                                               sshd.server().kill();
                                               sshd.server().start();
                                             }});
  Interrupted body(data, [&] { sshd.server().kill(); });
  CHECK(error_of(backend->put("a", body, {}, {})) == "none");
  CHECK(get_error(*backend, "a", data) == "none");
}

TEST_CASE("a silent SFTP server is given up") {
  if (skipped_without(kSshd)) return;
  Sshd sshd;
  auto options = sshd.options();
  options.silence = 300ms;
  const auto backend = make_sftp_backend(options);
  const auto small = some_bytes(1000), large = some_bytes(50'000'000);
  // Sized so that the first connection is made with patience.
  CHECK(error_of(make_retrying_backend(make_sftp_backend(options))->stat("a", {})) ==
        "not_found: object a does not exist");
  CHECK(put_error(*make_retrying_backend(make_sftp_backend(sshd.options())), "a", small) == "none");
  SECTION("before it answers") {
    sshd.server().silence();
    const auto begin = std::chrono::steady_clock::now();
    CHECK(error_of(backend->stat("a", {})).find(": connect: the server is silent") != std::string::npos);
    CHECK(std::chrono::steady_clock::now() - begin < 10s);
  }
  SECTION("in the middle of a put") {
    Interrupted body(large, [&] { sshd.server().silence(); });
    auto put = backend->put("b", body, {}, {});
    CHECK(error_of(put).starts_with("timed_out: sftp "));
  }
  SECTION("until the caller's deadline") {
    auto patient = sshd.options();
    const auto other = make_sftp_backend(patient);
    CHECK(error_of(other->stat("a", {})) == "none");
    sshd.server().silence();
    const auto begin = std::chrono::steady_clock::now();
    const Call call{.stop = {}, .deadline = begin + 200ms};
    CHECK(error_of(other->stat("a", call)).starts_with("timed_out: "));
    CHECK(std::chrono::steady_clock::now() - begin < 10s);
  }
  sshd.server().go_on();
  CHECK(get_error(*make_retrying_backend(make_sftp_backend(sshd.options())), "a", small) == "none");
}

TEST_CASE("a stop ends a call to a silent SFTP server at once") {
  if (skipped_without(kSshd)) return;
  Sshd sshd;
  const auto backend = make_sftp_backend(sshd.options());
  CHECK(put_error(*backend, "a", some_bytes(10)) == "none");
  sshd.server().silence();
  std::stop_source stop;
  std::atomic<bool> started = false;
  std::string error;
  const auto begin = std::chrono::steady_clock::now();
  {
    std::jthread caller([&] {
      started = true;
      error = error_of(backend->stat("a", {.stop = stop.get_token(), .deadline = {}}));
    });
    CHECK(until([&] { return started.load(); }));
    stop.request_stop();
  }
  CHECK(error.starts_with("cancelled: "));
  CHECK(std::chrono::steady_clock::now() - begin < 5s);
  sshd.server().go_on();
  CHECK(error_of(backend->stat("a", {})) == "none");
}

TEST_CASE("a cancelled SFTP put leaves no part, and its connection serves the next") {
  if (skipped_without(kSshd)) return;
  Sshd sshd;
  auto options = sshd.options();
  options.connections = 1;
  const auto backend = make_sftp_backend(options);
  const auto data = some_bytes(20'000'000);
  for (int i = 0; i < 3; ++i) {
    std::stop_source stop;
    Interrupted body(data, [&] { stop.request_stop(); });
    CHECK(error_of(backend->put("a", body, {}, {.stop = stop.get_token(), .deadline = {}})).starts_with("cancelled: "));
    CHECK(unfinished(sshd).empty());
  }
  CHECK(put_error(*backend, "a", data) == "none");
  CHECK(get_error(*backend, "a", data) == "none");
  CHECK(sshd.server().log().find("Accepted publickey") == sshd.server().log().rfind("Accepted publickey"));
}

TEST_CASE("what is not SFTP is told") {
  if (skipped_without(kSshd)) return;
  const auto [setting, message] = GENERATE(table<std::string, std::string>(
      {{"ForceCommand /bin/echo Welcome to this machine", "what the server sends is not sftp"},
       {"ForceCommand /bin/false", "receive: "}}));
  Sshd sshd(setting);
  auto refused = make_sftp_backend(sshd.options())->stat("a", {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::unavailable);
  CHECK(refused.error().message.find(message) != std::string::npos);
}

TEST_CASE("a full disk of the SFTP server is no_space") {
  if (skipped_without(kSshd)) return;
  if (::geteuid() != 0) return;  // mounts a small file system
  Sshd sshd;
  std::filesystem::create_directories(sshd.root());
  if (::mount("tmpfs", sshd.root().c_str(), "tmpfs", 0, "size=4m") != 0) return;
  const auto backend = make_sftp_backend(sshd.options());
  const auto small = some_bytes(1'000'000);
  CHECK(put_error(*backend, "a", small) == "none");
  MemorySource body(some_bytes(0));
  const auto large = some_bytes(8'000'000);
  MemorySource too_large(large);
  auto refused = backend->put("b", too_large, {}, {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::no_space);
  CHECK(refused.error().hint == "make room on the server");
  CHECK(unfinished(sshd).empty());
  CHECK(get_error(*backend, "a", small) == "none");
  CHECK(::umount2(sshd.root().c_str(), MNT_DETACH) == 0);
}

TEST_CASE("a directory that may not be written is permission_denied") {
  if (skipped_without(kSshd)) return;
  Sshd sshd("ForceCommand internal-sftp -R");  // read only
  const auto backend = make_sftp_backend(sshd.options());
  std::filesystem::create_directories(sshd.root());
  std::ofstream(sshd.root() + "/a") << "b";
  CHECK(put_error(*backend, "b", some_bytes(10)).starts_with("permission_denied: sftp "));
  CHECK(error_of(backend->remove("a", {})).starts_with("permission_denied: sftp "));
  CHECK(error_of(backend->stat("a", {})) == "none");
}

TEST_CASE("an SFTP root without a slash is below the login directory") {
  if (skipped_without(kSshd)) return;
  const auto [root, file] =
      GENERATE(table<std::string, std::string>({{"", "db/x"}, {"a/b", "a/b/db/x"}, {"a/b//", "a/b/db/x"}}));
  support::TempDir home;
  Sshd sshd("ForceCommand internal-sftp -d " + home.path());
  auto options = sshd.options();
  options.root = root;
  const auto backend = make_sftp_backend(options);
  CHECK(put_error(*backend, "db/x", some_bytes(10)) == "none");
  CHECK(home.files() == std::vector<std::string>{file});
  std::vector<std::string> keys;
  CHECK(backend->list("", "", [&](const ObjectInfo& one) { return keys.push_back(one.key), true; }, {}));
  CHECK(keys == std::vector<std::string>{"db/x"});
}

TEST_CASE("what SFTP stores has the time of the data, and is for its owner only") {
  if (skipped_without(kSshd)) return;
  Sshd sshd;
  const auto backend = make_sftp_backend(sshd.options());
  MemorySource body(Bytes{});
  const Timestamp time = parse_rfc3339("2021-02-03T04:05:06.789Z").value();
  auto put = backend->put("a", body, {.modified_at = time}, {});
  REQUIRE(put);
  CHECK(to_rfc3339(put->modified_at) == "2021-02-03T04:05:06Z");
  auto info = backend->stat("a", {});
  REQUIRE(info);
  CHECK(info->modified_at == put->modified_at);
  const auto mode = std::filesystem::status(sshd.root() + "/a").permissions();
  CHECK(mode == (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
}

TEST_CASE("SFTP follows links, not in circles") {
  if (skipped_without(kSshd)) return;
  Sshd sshd;
  const auto backend = make_sftp_backend(sshd.options());
  for (const char* key : {"a/x", "b/y"}) CHECK(put_error(*backend, key, some_bytes(10)) == "none");
  std::filesystem::create_symlink("../b", sshd.root() + "/a/to_b");
  std::filesystem::create_symlink("../a", sshd.root() + "/b/to_a");
  std::filesystem::create_symlink("b/y", sshd.root() + "/file");
  std::filesystem::create_symlink("nowhere", sshd.root() + "/dangling");
  std::vector<std::string> keys;
  CHECK(error_of(backend->list("", "", [&](const ObjectInfo& one) { return keys.push_back(one.key), true; }, {})) ==
        "none");
  CHECK(keys == std::vector<std::string>{"a/to_b/y", "a/x", "b/to_a/x", "b/y", "file"});
}

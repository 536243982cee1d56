// The SFTP backend against a server of another make: passwords, and what to do without OpenSSH's extensions.
#include "sshd.hpp"

using namespace replica;
using namespace servers;

namespace {

constexpr const char* kPython = SERVERS_DIR "/asyncssh/bin/python3";
constexpr const char* kPassword = "correct horse";

class Plain {
 public:
  explicit Plain(const std::vector<std::string>& ways) : port_(free_port()) {
    make_key(dir_.path("host"), "ed25519");
    std::vector<std::string> command = {kPython, BACKENDS_DIR "/plain_sftp_server.py", std::to_string(port_),
                                        dir_.path("host"), kPassword};
    command.insert(command.end(), ways.begin(), ways.end());
    server_ = std::make_unique<Server>(command, port_, dir_.path("log"));
  }
  SftpBackendOptions options() const {
    SftpBackendOptions made;
    made.host = "127.0.0.1";
    made.port = static_cast<std::uint16_t>(port_);
    made.user = "somebody";
    made.password = kPassword;
    made.host_key = tools::read_file(dir_.path("host.pub"));
    made.root = dir_.path("store");
    return made;
  }
  support::TempDir& dir() { return dir_; }

 private:
  support::TempDir dir_;
  int port_;
  std::unique_ptr<Server> server_;
};

}  // namespace

TEST_CASE("SFTP passes the exam on another server, by password") {
  if (skipped_without(kPython)) return;
  Plain server({});
  const auto backend = make_sftp_backend(server.options());
  sit_exam(*backend);
  CHECK(backend->capabilities().conditional_put);
}

TEST_CASE("SFTP passes the exam on a server without extensions") {
  if (skipped_without(kPython)) return;
  Plain server({"plain"});
  const auto backend = make_sftp_backend(server.options());
  // Replacing is two steps there, and a reader may come in between: see docs/backends.md.
  for (const auto& one : conformance_cases()) {
    if (one.name == "readers see whole objects") continue;
    INFO(one.name);
    CHECK(error_of(one.run(*backend, "exam/some prefix", {})) == "none");
  }
  CHECK_FALSE(backend->capabilities().conditional_put);
}

TEST_CASE("SFTP answers a server that asks for the password") {
  if (skipped_without(kPython)) return;
  Plain server({"questions"});
  CHECK(put_error(*make_sftp_backend(server.options()), "a", some_bytes(10)) == "none");
}

TEST_CASE("a wrong SFTP password is told without the password") {
  if (skipped_without(kPython)) return;
  const auto [way, shown] =
      GENERATE(table<std::string, std::string>({{"", "password"}, {"questions", "password (keyboard-interactive)"}}));
  Plain server({way});
  auto options = server.options();
  options.password = "battery staple";
  auto refused = make_sftp_backend(options)->stat("a", {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::permission_denied);
  CHECK(refused.error().message.ends_with(": the server refused the " + shown));
  CHECK(refused.error().hint.starts_with("check user, password and key"));
  CHECK((refused.error().message + refused.error().hint).find("staple") == std::string::npos);
}

TEST_CASE("an SFTP server that fails a write keeps nothing") {
  if (skipped_without(kPython)) return;
  Plain server({"full"});
  const auto backend = make_sftp_backend(server.options());
  CHECK(put_error(*backend, "a", some_bytes(3'000'000)) == "io: sftp put a: the server says 'No space left on device'");
  for (const std::string& file : server.dir().files()) CHECK_FALSE(file.starts_with("store/"));
}

// The SFTP backend against OpenSSH: the exam, and who is let in.
#include "sshd.hpp"

using namespace replica;
using namespace servers;

namespace {

std::vector<std::string> leftovers(const Sshd& sshd) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(sshd.root())) {
    if (!entry.is_directory()) found.push_back(entry.path().string());
  }
  return found;
}

std::string stat_error(const SftpBackendOptions& options) {
  const auto backend = make_sftp_backend(options);
  return error_of(backend->stat("missing", {}));
}

constexpr const char* kLetIn = "not_found: object missing does not exist";

}  // namespace

TEST_CASE("SFTP passes the exam on OpenSSH") {
  if (skipped_without(kSshd)) return;
  Sshd sshd;
  sit_exam(*make_sftp_backend(sshd.options()));
  CHECK(leftovers(sshd).empty());
}

TEST_CASE("SFTP takes empty folders away, and makes them again") {
  if (skipped_without(kSshd)) return;
  Sshd sshd;
  const auto backend = make_sftp_backend(sshd.options());
  const auto put = [&](const char* key) {
    const std::vector<std::byte> data(10);
    MemorySource body(data);
    auto stored = backend->put(key, body, {}, {});
    INFO((stored ? std::string() : stored.error().message));
    REQUIRE(stored);
  };
  for (const char* key : {"gone/a/b/c", "gone/d", "held/a/b", "held/c/d"}) put(key);
  for (const char* key : {"gone/a/b/c", "gone/d", "held/c/d"}) REQUIRE(backend->remove(key, {}));
  for (const char* name : {"gone", "held", "missing"}) REQUIRE(backend->remove_folders(name, {}));
  CHECK_FALSE(std::filesystem::exists(sshd.root() + "/gone"));
  CHECK_FALSE(std::filesystem::exists(sshd.root() + "/held/c"));
  CHECK(std::filesystem::exists(sshd.root() + "/held/a/b"));
  put("gone/a/b/c");
  CHECK(backend->stat("gone/a/b/c", {}));
}

TEST_CASE("SFTP passes the exam with one connection, one write at a time and new keys every megabyte") {
  if (skipped_without(kSshd)) return;
  Sshd sshd("RekeyLimit 1M");
  auto options = sshd.options();
  options.connections = 1;
  options.concurrent_writes = false;
  sit_exam(*make_sftp_backend(options));
  CHECK(leftovers(sshd).empty());
}

TEST_CASE("SFTP logs in with keys of every type") {
  if (skipped_without(kSshd)) return;
  const auto [type, passphrase] = GENERATE(table<std::string, std::string>(
      {{"ed25519", ""}, {"ecdsa", ""}, {"rsa", ""}, {"ed25519", "open sesame"}, {"rsa", "open sesame"}}));
  INFO(type << (passphrase.empty() ? "" : ", encrypted"));
  Sshd sshd;
  auto options = sshd.options();
  options.key_path = sshd.dir().path("own key");
  make_key(options.key_path, type, passphrase);
  sshd.authorize(options.key_path);
  options.key_passphrase = passphrase;
  CHECK(stat_error(options) == kLetIn);
  if (passphrase.empty()) return;
  options.key_passphrase = "another";
  CHECK(stat_error(options) == "permission_denied: sftp: the key file " + options.key_path + " cannot be used");
  options.key_passphrase.clear();
  CHECK(stat_error(options) == "permission_denied: sftp: the key file " + options.key_path + " cannot be used");
}

TEST_CASE("SFTP logs in with the keys of an agent") {
  if (skipped_without(kSshd)) return;
  Sshd sshd;
  auto options = sshd.options();
  options.key_path.clear();
  options.agent = sshd.dir().path("agent");
  auto agent =
      tools::Process::start({"/usr/bin/ssh-agent", "-D", "-a", options.agent}, {.output = "/dev/null", .unset = {}});
  REQUIRE(until([&] { return std::filesystem::exists(options.agent); }));
  const std::string refused = "permission_denied: sftp " + user_name() + "@127.0.0.1:" + std::to_string(options.port) +
                              ": the server refused the agent's keys";
  CHECK(stat_error(options) == refused);
  run({"/usr/bin/env", "SSH_AUTH_SOCK=" + options.agent, "/usr/bin/ssh-add", "-q", sshd.user_key()});
  CHECK(stat_error(options) == kLetIn);
}

TEST_CASE("SFTP refuses a server whose key is not the known one") {
  if (skipped_without(kSshd)) return;
  Sshd sshd;
  auto options = sshd.options();
  options.host_key = sshd.host_key("rsa");
  CHECK(stat_error(options) == kLetIn);
  Sshd other;
  options.host_key = other.host_key();
  CHECK(stat_error(options).find("the host key is not the configured one; the server shows ssh-ed25519 SHA256:") !=
        std::string::npos);
  CHECK(stat_error(options).starts_with("permission_denied: "));
  options.host_key = "ssh-ed25519 nonsense";
  CHECK(stat_error(options) == "invalid_argument: sftp: the host key in the configuration is no public key");
  options.host_key = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";
  CHECK(stat_error(options).starts_with("permission_denied: "));
}

TEST_CASE("SFTP takes a fingerprint for the host key") {
  if (skipped_without(kSshd)) return;
  Sshd sshd;
  auto options = sshd.options();
  options.host_key = "SHA256:x";
  const std::string told = stat_error(options);
  const auto at = told.rfind("SHA256:");
  REQUIRE(at != std::string::npos);
  options.host_key = told.substr(at);
  CHECK(stat_error(options) == kLetIn);
}

TEST_CASE("SFTP knows hosts from known_hosts, and refuses others unless told") {
  if (skipped_without(kSshd)) return;
  Sshd sshd;
  auto options = sshd.options();
  options.host_key.clear();
  options.known_hosts = sshd.dir().path("known_hosts");
  CHECK(stat_error(options).find("the host is not in known_hosts; the server shows ") != std::string::npos);
  std::ofstream(options.known_hosts) << "[127.0.0.1]:" << options.port << " " << sshd.host_key();
  CHECK(stat_error(options) == kLetIn);
  Sshd other;
  std::ofstream(options.known_hosts) << "[127.0.0.1]:" << options.port << " " << other.host_key();
  CHECK(stat_error(options).find("the host key is not the one in known_hosts") != std::string::npos);
  options.accept_any_host_key = true;
  CHECK(stat_error(options) == kLetIn);
}

TEST_CASE("SFTP tells who is not let in, and with what") {
  if (skipped_without(kSshd)) return;
  Sshd sshd;
  auto options = sshd.options();
  options.key_path = sshd.dir().path("stranger");
  make_key(options.key_path, "ed25519");
  const auto backend = make_sftp_backend(options);
  auto refused = backend->stat("missing", {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::permission_denied);
  CHECK(refused.error().message.ends_with(": the server refused the key"));
  CHECK(refused.error().hint.find("authorized_keys") != std::string::npos);
  // Once it is let in, the same backend works.
  sshd.authorize(options.key_path);
  CHECK(error_of(backend->stat("missing", {})) == kLetIn);
  options.key_path = "/nowhere/key";
  CHECK(stat_error(options).starts_with("permission_denied: sftp: "));
  options.key_path.clear();
  options.password = "a secret";
  CHECK(stat_error(options).ends_with(": the server takes nothing that is configured"));
  options.host = "no-such-host.invalid";
  CHECK(stat_error(options).starts_with("unavailable: look up no-such-host.invalid: "));
}

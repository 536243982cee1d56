// OpenSSH's server with a configuration, host keys and user keys of the test's own, for the user who runs the test.
#pragma once

#include <pwd.h>
#include <sys/stat.h>

#include <memory>

#include "exam.hpp"
#include "replica/backends/sftp.hpp"
#include "server.hpp"
#include "support/temp_dir.hpp"

namespace servers {

inline constexpr const char* kSshd = "/usr/sbin/sshd";

inline void make_key(const std::string& path, const std::string& type, const std::string& passphrase = "") {
  run({"/usr/bin/ssh-keygen", "-q", "-t", type, "-N", passphrase, "-C", "of a test", "-f", path});
}

inline std::string user_name() {
  const passwd* entry = ::getpwuid(::geteuid());
  return entry == nullptr ? "" : entry->pw_name;
}

class Sshd {
 public:
  // `settings` are lines of sshd_config.
  explicit Sshd(const std::string& settings = "") {
    ::mkdir("/run/sshd", 0755);  // where sshd wants to be when it is root; Debian makes it at boot
    for (const char* type : {"ed25519", "rsa"}) make_key(dir_.path(std::string("host_") + type), type);
    make_key(user_key(), "ed25519");
    authorize(user_key());
    port_ = free_port();
    std::ofstream(dir_.path("config")) << "Port " << port_ << "\nListenAddress 127.0.0.1\nHostKey "
                                       << dir_.path("host_ed25519") << "\nHostKey " << dir_.path("host_rsa")
                                       << "\nPidFile none\nAuthorizedKeysFile " << dir_.path("authorized_keys")
                                       << "\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n"
                                       << "KbdInteractiveAuthentication no\nMaxStartups 100\nLogLevel VERBOSE\n"
                                       << "Subsystem sftp internal-sftp\n"
                                       << settings << "\n";
    server_ = std::make_unique<Server>(std::vector<std::string>{kSshd, "-D", "-e", "-f", dir_.path("config")}, port_,
                                       dir_.path("log"));
  }

  Server& server() { return *server_; }
  support::TempDir& dir() { return dir_; }
  std::string root() const { return dir_.path("store/of it"); }
  std::string user_key() const { return dir_.path("user_ed25519"); }
  // The public half of `key` may log in.
  void authorize(const std::string& key) const {
    std::ofstream(dir_.path("authorized_keys"), std::ios::app) << tools::read_file(key + ".pub");
  }
  std::string host_key(const std::string& type = "ed25519") const {
    return tools::read_file(dir_.path("host_" + type + ".pub"));
  }
  replica::SftpBackendOptions options() const {
    replica::SftpBackendOptions made;
    made.host = "127.0.0.1";
    made.port = static_cast<std::uint16_t>(port_);
    made.user = user_name();
    made.key_path = user_key();
    made.host_key = host_key();
    made.root = root();
    return made;
  }

 private:
  support::TempDir dir_;
  int port_ = 0;
  std::unique_ptr<Server> server_;
};

}  // namespace servers

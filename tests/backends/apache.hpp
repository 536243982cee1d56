// Apache's mod_dav with a configuration, a directory and a user of the test's own.
#pragma once

#include <pwd.h>

#include <memory>

#include "backend/digest.hpp"
#include "exam.hpp"
#include "replica/backends/webdav.hpp"
#include "server.hpp"
#include "support/temp_dir.hpp"

namespace servers {

inline constexpr const char* kApache = "/usr/sbin/apache2";

class Apache {
 public:
  static constexpr const char* kUser = "some user";
  static constexpr const char* kPassword = "secret";

  // `access` is "Basic", "Digest" or empty, for whoever comes; `more` are lines of the configuration.
  explicit Apache(const std::string& access = "", const std::string& more = "") : port_(free_port()) {
    std::filesystem::permissions(dir_.path(), std::filesystem::perms(0755));
    for (const char* folder : {"root", "root/dav", "locks"}) {
      std::filesystem::create_directory(dir_.path(folder));
      give_away(dir_.path(folder));
    }
    const std::string realm = "the store";
    const std::string secret = std::string(kUser) + ":" + realm + ":" + kPassword;
    std::ofstream(dir_.path("Digest.users"))
        << kUser << ":" << realm << ":"
        << replica::backend::hex_of(replica::backend::md5(replica::backend::bytes_of(secret))) << "\n";
    // SHA-1 of the password.
    std::ofstream(dir_.path("Basic.users")) << kUser << ":{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n";
    std::string rule = "Require all granted\n";
    if (!access.empty()) {
      rule = "AuthType " + access + "\nAuthName \"" + realm + "\"\nAuth" + access + "Provider file\nAuthUserFile ";
      rule += dir_.path(access + ".users") + "\nRequire valid-user\n";
    }
    write_config(rule, more);
    server_ = std::make_unique<Server>(std::vector<std::string>{kApache, "-f", dir_.path("httpd.conf"), "-DFOREGROUND"},
                                       port_, dir_.path("log"));
  }
  ~Apache() {
    const std::string log = tools::read_file(dir_.path("error.log"));
    UNSCOPED_INFO(log);
  }
  Apache(const Apache&) = delete;
  Apache& operator=(const Apache&) = delete;

  Server& server() { return *server_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/dav"; }
  // Of what is stored.
  std::string path(const std::string& name) const { return dir_.path("root/dav/" + name); }
  // Readable and writable for the server, which is not root.
  static void give_away(const std::string& path) {
    const passwd* user = ::getpwnam("www-data");
    if (::geteuid() == 0 && user != nullptr) REQUIRE(::chown(path.c_str(), user->pw_uid, user->pw_gid) == 0);
  }
  replica::WebdavOptions options(bool with_user = false) const {
    replica::WebdavOptions made{.url = url(), .prefix = "some/app/"};
    if (with_user) made.user = kUser;
    if (with_user) made.password = kPassword;
    return made;
  }

 private:
  void write_config(const std::string& rule, const std::string& more) {
    std::ofstream config(dir_.path("httpd.conf"));
    for (const char* name : {"mpm_event", "authn_core", "authn_file", "authz_core", "authz_user", "auth_basic",
                             "auth_digest", "dir", "dav", "dav_fs", "headers"})
      config << "LoadModule " << name << "_module /usr/lib/apache2/modules/mod_" << name << ".so\n";
    config << "ServerName localhost\nServerRoot " << dir_.path() << "\nPidFile " << dir_.path("pid")
           << "\nListen 127.0.0.1:" << port_ << "\nErrorLog " << dir_.path("error.log") << "\nDavLockDB "
           << dir_.path("locks/db") << "\nDocumentRoot " << dir_.path("root")
           << "\nStartServers 1\nMaxKeepAliveRequests 0\n";
    if (::geteuid() == 0) config << "User www-data\nGroup www-data\n";
    config << "<Directory />\nRequire all denied\n</Directory>\n<Directory " << dir_.path("root") << ">\nDav On\n"
           << rule << "</Directory>\n"
           << more << "\n";
  }

  support::TempDir dir_;
  int port_;
  std::unique_ptr<Server> server_;
};

}  // namespace servers

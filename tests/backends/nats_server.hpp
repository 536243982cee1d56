// Debian's nats-server with JetStream and a configuration of the test's own.
#pragma once

#include <memory>

#include "exam.hpp"
#include "replica/backends/nats.hpp"
#include "server.hpp"
#include "support/temp_dir.hpp"

namespace servers {

inline constexpr const char* kNats = "/usr/sbin/nats-server";
inline constexpr const char* kNatsPython = SERVERS_DIR "/nats/bin/python3";

class Nats {
 public:
  // `settings` are lines of the server's configuration file; the directory of `dir` may hold what they name.
  explicit Nats(const std::string& settings = "", std::shared_ptr<support::TempDir> dir = {},
                const std::string& program = kNats)
      : dir_(dir ? std::move(dir) : std::make_shared<support::TempDir>()), port_(free_port()) {
    std::ofstream(dir_->path("config")) << settings << "\n";
    server_ = std::make_unique<Server>(
        std::vector<std::string>{program, "-a", "127.0.0.1", "-p", std::to_string(port_), "-js", "-sd",
                                 dir_->path("store"), "-c", dir_->path("config")},
        port_, dir_->path("log"));
  }
  Server& server() { return *server_; }
  support::TempDir& dir() { return *dir_; }
  replica::NatsBackendOptions options() const {
    replica::NatsBackendOptions made;
    made.url = "nats://127.0.0.1:" + std::to_string(port_);
    made.bucket = "backups";
    made.create_bucket = true;
    return made;
  }

 private:
  std::shared_ptr<support::TempDir> dir_;
  int port_;
  std::unique_ptr<Server> server_;
};

}  // namespace servers

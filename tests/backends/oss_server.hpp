// Our own small OSS server (support_py/oss_server.py), which checks signatures, dates and bodies, with one bucket.
#pragma once

#include <fcntl.h>

#include "replica/backends/oss.hpp"
#include "support/test_server.hpp"

namespace servers {

class Oss {
 public:
  explicit Oss(const std::string& token = "") : token_(token) {}

  replica::OssOptions options() const {
    return {.bucket = "bucket",
            .endpoint = "http://127.0.0.1:" + std::to_string(server_.port()),
            .access_key_id = "ak",
            .secret_access_key = "sk",
            .session_token = token_};
  }
  std::shared_ptr<replica::Backend> backend(const std::string& prefix = "") const {
    auto with_prefix = options();
    with_prefix.prefix = prefix;
    return replica::make_oss_backend(with_prefix);
  }
  support::TestServer& server() noexcept { return server_; }

 private:
  static std::vector<std::string> command(int port, const std::string& token) {
    const std::string server = BACKENDS_DIR "/../support_py/oss_server.py";
    return {"/usr/bin/env", "python3", server, std::to_string(port), "ak", "sk", "bucket", token};
  }

  std::string token_;
  int port_ = support::free_port();
  support::TestServer server_{command(port_, token_), {}, port_};
};

}  // namespace servers

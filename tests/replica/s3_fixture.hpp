// versitygw, an S3 server that checks signatures, dates and bodies, with a fresh directory and one bucket.
#pragma once

#include <fcntl.h>

#include <memory>

#include "backend/s3/bucket.hpp"
#include "replica/backend.hpp"
#include "support/temp_dir.hpp"
#include "support/test_server.hpp"

namespace s3_fixture {

class ShiftedClock final : public replica::Clock {
 public:
  explicit ShiftedClock(std::chrono::minutes by) : by_(by) {}
  replica::Timestamp now() const override { return replica::SystemClock().now() + by_; }
  Steady steady() const override { return replica::SystemClock().steady(); }

 private:
  std::chrono::minutes by_;
};

class Gateway {
 public:
  Gateway() {
    auto made = replica::s3::Bucket(options()).send({.method = "PUT"}, "create the bucket", {});
    INFO((made ? std::string() : made.error().message));
    REQUIRE(made);
  }

  replica::S3Options options() const {
    return {.bucket = "bucket",
            .endpoint = "http://127.0.0.1:" + std::to_string(server_.port()),
            .access_key_id = "test",
            .secret_access_key = "testsecret",
            .path_style = true};
  }
  std::shared_ptr<replica::Backend> backend() const { return replica::make_s3_backend(options()); }
  support::TestServer& server() noexcept { return server_; }
  std::string file_of(const std::string& key) const { return dir_.path("root/bucket/" + key); }
  std::vector<std::string> files() const { return dir_.files(); }

 private:
  static std::vector<std::string> command(const support::TempDir& dir, int port) {
    std::filesystem::create_directory(dir.path("root"));
    return {support::server_program("versitygw"),
            "--port",
            "127.0.0.1:" + std::to_string(port),
            "--region",
            "us-east-1",
            "--keep-alive",
            "--quiet",
            "posix",
            dir.path("root")};
  }

  // In memory where there is room: nothing here is about its disk.
  support::TempDir dir_{support::fast_directory()};
  int port_ = support::free_port();
  support::TestServer server_{command(dir_, port_), {"ROOT_ACCESS_KEY=test", "ROOT_SECRET_KEY=testsecret"}, port_};
};

inline bool installed() { return support::have_server("versitygw"); }

}  // namespace s3_fixture

// fake-gcs-server, Google's JSON API in memory, with one bucket. It asks nobody who they are.
#pragma once

#include "http/client.hpp"
#include "replica/backends/gcs.hpp"
#include "support/test_server.hpp"

namespace gcs_fixture {

inline bool installed() { return support::have_server("fake-gcs-server"); }

class Store {
 public:
  Store() { make_bucket(); }

  void make_bucket() {
    const std::string text = R"({"name":"bucket"})";
    replica::MemorySource body(std::as_bytes(std::span(text)));
    const replica::http::Request request{.method = "POST",
                                         .url = endpoint() + "/storage/v1/b?project=test",
                                         .headers = {{"Content-Type", "application/json"}},
                                         .body = &body};
    const auto made = replica::http::shared_client({})->send(request, {});
    REQUIRE(made);
    REQUIRE(made->status == 200);
  }
  std::string endpoint() const { return "http://127.0.0.1:" + std::to_string(port_); }
  replica::GcsOptions options() const {
    return {.bucket = "bucket", .endpoint = endpoint(), .anonymous = true, .part_size = std::uint64_t{1} << 20U};
  }
  support::TestServer& server() noexcept { return server_; }

 private:
  static std::vector<std::string> command(const std::string& port) {
    return {support::server_program("fake-gcs-server"),
            "-scheme",
            "http",
            "-host",
            "127.0.0.1",
            "-port",
            port,
            "-public-host",
            "127.0.0.1:" + port,
            "-backend",
            "memory"};
  }

  int port_ = support::free_port();
  support::TestServer server_{command(std::to_string(port_)), {}, port_};
};

}  // namespace gcs_fixture

// Azurite, an emulator of Azure's blob store that checks Shared Key signatures and SAS tokens, with one container.
#pragma once

#include <fcntl.h>

#include "backend/azure/container.hpp"
#include "replica/backends/azure.hpp"
#include "support/temp_dir.hpp"
#include "support/test_server.hpp"

namespace servers {

class Azurite {
 public:
  Azurite() { make_container(); }

  replica::AzureOptions options() const {
    auto out = replica::parse_azure_connection_string("UseDevelopmentStorage=true").value();
    out.container = "replica";
    out.endpoint = "http://127.0.0.1:" + std::to_string(server_.port()) + "/" + out.account;
    return out;
  }
  // A store of its own.
  std::shared_ptr<replica::Backend> backend(const std::string& prefix = "") const {
    auto with_prefix = options();
    with_prefix.prefix = prefix;
    return replica::make_azure_backend(with_prefix);
  }
  void make_container() const {
    auto made = replica::azure::Container(options()).send({.method = "PUT", .query = {{"restype", "container"}}},
                                                          "create the container", {});
    INFO((made ? std::string() : made.error().message));
    REQUIRE(made);
  }
  support::TestServer& server() noexcept { return server_; }

 private:
  static std::vector<std::string> command(const std::string& directory, int port) {
    return {support::server_program("azurite"),
            "--blobHost",
            "127.0.0.1",
            "--blobPort",
            std::to_string(port),
            "--location",
            directory,
            "--silent",
            "--disableTelemetry",
            "--skipApiVersionCheck"};
  }

  // In memory where there is room: nothing here is about its disk.
  support::TempDir dir_{support::fast_directory()};
  int port_ = support::free_port();
  support::TestServer server_{command(dir_.path(), port_), {"HOME=" + dir_.path()}, port_};
};

inline bool have_azurite() { return support::have_server("azurite"); }

}  // namespace servers

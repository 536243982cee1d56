// Where a container is. Pure.
#pragma once

#include "replica/backends/azure.hpp"

namespace replica::azure {

struct Endpoint {
  std::string scheme, host;  // host[:port]
  std::string path;          // of the container, encoded: "/container", "/account/container" in front of emulators
};

// invalid_argument for one that is no URL, and without account and endpoint.
Result<Endpoint> endpoint_of(const AzureOptions& options);

// Nobody listens on the way: https, or this machine.
bool is_private(std::string_view url) noexcept;

}  // namespace replica::azure

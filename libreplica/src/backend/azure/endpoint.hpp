// Where a container is. Pure.
#pragma once

#include "backend/endpoint.hpp"
#include "replica/backends/azure.hpp"

namespace replica::azure {

// With the path of the container, encoded: "/container", "/account/container" in front of emulators.
// invalid_argument for one that is no URL, and without account and endpoint.
Result<backend::Endpoint> endpoint_of(const AzureOptions& options);

}  // namespace replica::azure

// Replicas of type abs (Azure Blob Storage): what may be written, what it means.
#pragma once

#include <memory>

#include "config/config.hpp"
#include "replica/backends/azure.hpp"

namespace config {

// Addresses are abs://[ACCOUNT@]CONTAINER/PATH[?endpoint=URL].
replica::Result<void> settle_azure(ReplicaSettings& replica, const StoreSettings& defaults);
std::unique_ptr<replica::Backend> make_azure(const ReplicaSettings& replica, const std::string& database);
replica::AzureOptions azure_options(const ReplicaSettings& replica);

}  // namespace config

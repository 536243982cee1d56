// Replicas of type gs: what may be written, what it means.
#pragma once

#include <memory>

#include "config/config.hpp"
#include "replica/backend.hpp"
#include "replica/backends/gcs.hpp"

namespace config {

replica::Result<void> settle_gcs(ReplicaSettings& replica, const StoreSettings& defaults);
std::unique_ptr<replica::Backend> make_gcs(const ReplicaSettings& replica, const std::string& database);
replica::GcsOptions gcs_options(const ReplicaSettings& replica);

}  // namespace config

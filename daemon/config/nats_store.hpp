// Replicas of type nats: what may be written, what it means.
#pragma once

#include <memory>

#include "config/config.hpp"
#include "replica/backend.hpp"
#include "replica/backends/nats.hpp"

namespace config {

// Addresses are nats://[USER:PASSWORD@|TOKEN@]HOST[:PORT][,HOST…]/BUCKET. A bucket holds one database: there is no path
// in it, as for the peer.
replica::Result<void> settle_nats(ReplicaSettings& replica, const StoreSettings& defaults);
std::unique_ptr<replica::Backend> make_nats(const ReplicaSettings& replica, const std::string& database);
replica::NatsBackendOptions nats_options(const ReplicaSettings& replica);

}  // namespace config

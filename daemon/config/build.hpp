// From settings to what libreplica is started with.
#pragma once

#include <functional>
#include <memory>

#include "config/config.hpp"
#include "replica/replica.hpp"
#include "replica/replicator.hpp"

namespace config {

// Wraps every backend that is made for a database, named by its path: the daemon counts there what is asked of it.
using Decorate =
    std::function<std::shared_ptr<replica::Backend>(std::shared_ptr<replica::Backend>, const std::string& database)>;

replica::ReplicatorOptions replicator_options(const Config& config);
replica::DatabaseConfig database_config(const DatabaseSettings& settings, const Decorate& decorate = {});

// For the offline verbs: tries again what may go better a second time.
std::unique_ptr<replica::Backend> open_backend(const ReplicaSettings& settings);
replica::Replica open_replica(const ReplicaSettings& settings);

}  // namespace config

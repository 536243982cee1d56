// From settings to what libreplica is started with.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "config/config.hpp"
#include "replica/replica.hpp"
#include "replica/replicator.hpp"

namespace config {

// Counts what is asked of the backends of databases. Safe from any thread.
class Metering {
 public:
  virtual ~Metering() = default;
  // There are replicas of that type: their figures are told before anything is asked.
  virtual void expect(std::string_view type) = 0;
  // Of a replica of that type of the database of that path. It counts for as long as it is kept.
  virtual std::shared_ptr<replica::RequestCounter> counter(std::string_view type, const std::string& database) = 0;
  // The same backend, counted.
  virtual std::shared_ptr<replica::Backend> watch(std::shared_ptr<replica::Backend> inner,
                                                  std::shared_ptr<replica::RequestCounter> counter) = 0;
};

replica::ReplicatorOptions replicator_options(const Config& config);
// `metering` outlives what is made.
replica::DatabaseConfig database_config(const DatabaseSettings& settings, Metering* metering = nullptr);

// For the offline verbs: tries again what may go better a second time.
std::unique_ptr<replica::Backend> open_backend(const ReplicaSettings& settings);
replica::Replica open_replica(const ReplicaSettings& settings);

}  // namespace config

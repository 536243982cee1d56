// What the control plane asks, answered by the Replicator: the only place that knows both libraries.
#pragma once

#include <atomic>
#include <mutex>

#include "config/build.hpp"
#include "control/api.hpp"
#include "replica/log.hpp"

namespace litestreamd {

// What `info` tells beside the databases.
struct DaemonInfo {
  std::string version, config_path, socket_path, http_addr, sqlite_version;
  bool persist_to_config = false;
  replica::Timestamp started_at{};
};

class Service final : public control::Service {
 public:
  // The references must outlive it.
  Service(replica::Replicator& replicator, replica::Logger& logger, DaemonInfo info, config::LoadOptions load,
          config::Decorate decorate);

  control::Result<control::StartResult> start(const control::StartParams&, const control::Call&) override;
  control::Result<control::StopResult> stop(const control::StopParams&, const control::Call&) override;
  control::Result<control::SyncResult> sync(const control::SyncParams&, const control::Call&) override;
  control::Result<control::DatabaseEntry> status(const control::StatusParams&, const control::Call&) override;
  control::Result<std::vector<control::DatabaseEntry>> list(const control::Call&) override;
  control::Result<control::InfoResult> info(const control::Call&) override;

  // From now on start, stop and sync are refused; the daemon is about to flush everything.
  void refuse_changes() noexcept { closing_ = true; }

 private:
  // The path as it is registered, or why nothing may be changed.
  control::Result<std::string> admit(const std::string& path) const;
  control::Result<config::DatabaseSettings> register_from(const std::string& config, const std::string& path,
                                                          const replica::Call& call);
  // socket.persist-to-config; `added` for a database that may not be in the file yet.
  control::Result<void> persist(const std::string& path, bool enabled, const config::DatabaseSettings* added = nullptr);

  replica::Replicator& replicator_;
  replica::Logger& logger_;
  DaemonInfo info_;
  config::LoadOptions load_;
  config::Decorate decorate_;
  std::mutex registering_;  // one `start -config` at a time
  std::mutex persisting_;   // one change of the configuration file at a time
  std::atomic<bool> closing_{false};
};

}  // namespace litestreamd

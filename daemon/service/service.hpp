// What the control plane asks, answered by the Replicator: the only place that knows both libraries.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>

#include "backend_meter.hpp"
#include "config/build.hpp"
#include "config/config.hpp"
#include "config/diff.hpp"
#include "config/persist.hpp"
#include "control/api.hpp"
#include "log_sink.hpp"
#include "service/reload_plan.hpp"

namespace litestreamd {

// What `info` tells beside the databases.
struct DaemonInfo {
  std::string version, config_path, socket_path, http_addr, sqlite_version;
  bool persist_to_config = false;
  replica::Timestamp started_at{};
};

class Service final : public control::Service {
 public:
  // Where it works. The references must outlive it.
  struct Surroundings {
    replica::Replicator& replicator;
    LogSink& log;
    config::Metering* metering = nullptr;
    // Asked of the stores for a database, by type of replica; empty when nothing was.
    std::function<RequestsByType(const std::string&)> requests{};
    std::string log_level{};                     // of the command line, see make_log_sink
    std::function<void()> reload_credentials{};  // tokens and certificates, with each reload
  };

  // `databases`, those of `loaded`, are registered by the caller. `loaded` need not hold them itself.
  Service(Surroundings surroundings, DaemonInfo info, config::Config loaded,
          const std::vector<config::DatabaseSettings>& databases, config::LoadOptions load);

  control::Result<control::StartResult> start(const control::StartParams&, const control::Call&) override;
  control::Result<control::StopResult> stop(const control::StopParams&, const control::Call&) override;
  control::Result<control::SyncResult> sync(const control::SyncParams&, const control::Call&) override;
  control::Result<control::DatabaseEntry> status(const control::StatusParams&, const control::Call&) override;
  control::Result<std::vector<control::DatabaseEntry>> list(const control::ListParams&, const control::Call&) override;
  control::Result<control::InfoResult> info(const control::Call&) override;
  control::Result<control::ValidateResult> validate_config(const control::ConfigParams&, const control::Call&) override;
  control::Result<control::ConfigDiff> diff_config(const control::ConfigParams&, const control::Call&) override;
  control::Result<control::ReloadResult> reload_config(const control::ReloadParams&, const control::Call&) override;
  control::Result<control::LogLevelResult> log_level(const control::LogLevelParams&, const control::Call&) override;
  control::Result<control::RegisterResult> register_database(const control::RegisterParams&,
                                                             const control::Call&) override;
  control::Result<control::UnregisterResult> unregister_database(const control::UnregisterParams&,
                                                                 const control::Call&) override;
  control::Result<control::TxidResult> txid(const control::TxidParams&, const control::Call&) override;
  control::Result<std::vector<control::SyncStatusEntry>> sync_status(const control::SyncStatusParams&,
                                                                     const control::Call&) override;
  control::Result<control::PositionResult> position(const control::PositionParams&, const control::Call&) override;
  control::Result<control::WaitResult> wait(const control::WaitParams&, const control::Call&) override;
  control::Result<std::shared_ptr<control::EventSource>> subscribe(const control::WatchParams&,
                                                                   const control::Call&) override;

  // From now on start, stop and sync are refused; the daemon is about to flush everything.
  void refuse_changes() noexcept { closing_ = true; }

 private:
  RequestsByType requests_of(const std::string& database) const;
  // The path as it is registered, or why nothing may be changed.
  control::Result<std::string> admit(const std::string& path) const;
  // What `start -config` would register. Changes nothing.
  struct Registration {
    config::DatabaseSettings settings;
    replica::DatabaseConfig database;
    std::string file;
  };
  control::Result<Registration> registration(const std::string& config, const std::string& path) const;
  control::Result<void> check_closed(const std::string& path) const;
  // The dry runs.
  control::Result<void> try_start(const control::StartParams& params, const std::string& path) const;
  control::Result<control::StopResult> try_stop(const std::string& path) const;
  control::Result<void> register_from(const std::string& config, const std::string& path, const replica::Call& call);
  // `persist` of the call, else socket.persist-to-config. `done` is for the message: "started".
  control::Result<void> persist(const std::optional<bool>& wanted, const config::Change& change,
                                const std::string& path, std::string_view done);
  control::Result<void> persist_enabled(const std::optional<bool>& wanted, const std::string& path, bool enabled);
  // Refuses a replica that another database has.
  control::Result<replica::DatabaseConfig> check_new(const config::DatabaseSettings& settings) const;
  control::Result<void> open_new(const config::DatabaseSettings& settings);
  control::Result<replica::TxId> stop_to_unregister(const std::string& path, const control::Call& call);

  control::Result<config::Config> read_config(const std::optional<std::string>& file) const;
  // The steps of a reload. With registering_ held:
  std::vector<ReloadStep> plan_reload(const config::Diff& diff, const config::Config& next) const;
  std::optional<ReloadStep> step_to(const config::DatabaseSettings& settings) const;  // nullopt = it is as it says
  control::Result<void> forget(const std::string& path);
  control::Result<void> open(const std::string& path);
  // Without:
  using FailedStep = std::function<void(const std::string& path, control::Error error)>;
  void carry_out_all(const std::vector<ReloadStep>& steps, const replica::Call& call, const FailedStep& failed);
  control::Result<void> carry_out(const ReloadStep& step);
  void take_over(const config::Config& next, const config::Diff& diff, const std::vector<std::string>& failed);
  void warn_of(const std::string& path, const std::vector<replica::LeftBehind>& left_behind);

  replica::Replicator& replicator_;
  LogSink& logger_;
  config::Metering* metering_;
  std::function<RequestsByType(const std::string&)> requests_;
  std::string log_level_;
  std::function<void()> reload_credentials_;
  DaemonInfo info_;
  config::LoadOptions load_;
  std::timed_mutex reloading_;  // one reload at a time; before registering_
  std::mutex registering_;      // one change of what is registered at a time; guards the next three
  config::Config loaded_;       // the configuration in force, without its databases:
  config::Remembered known_;
  std::map<std::string, config::DatabaseSettings> added_;  // registered by calls
  std::mutex persisting_;                                  // one change of the configuration file at a time
  config::KnownFile config_file_;
  std::atomic<bool> closing_{false};
};

}  // namespace litestreamd

// Databases that come and go at run time.
#include <algorithm>

#include "config/store_schema.hpp"
#include "config/stores.hpp"
#include "service/answers.hpp"
#include "service/service.hpp"

namespace litestreamd {

using control::fail;
using control::Result;
using replica::Errc;

namespace {

control::Error invalid_url(const std::string& why, std::string hint) {
  return error("invalid replica url: " + why, "invalid_replica_url", std::move(hint));
}

Result<config::DatabaseSettings> settings_for(const std::string& path, const std::string& url) {
  const std::string scheme = url.substr(0, url.find(':'));
  const auto known = config::kind_named(scheme);
  if (scheme != url && !known && known.error().code == Errc::invalid_argument)
    return fail(
        invalid_url("unsupported replica URL scheme: \"" + scheme + "\"", "use a URL as in file:///backup/app.db"));
  auto made = config::from_arguments(path, url);
  if (!made) return fail(invalid_url(made.error().message, made.error().hint));
  return std::move(made->databases.front());
}

control::Error not_registered(const replica::Error& why) {
  return other("failed to register database: ", why, "register_failed");
}

control::SyncStatusEntry sync_status_of(const replica::DatabaseStatus& status) {
  control::SyncStatusEntry out;
  out.path = status.path;
  out.active = status.at_work;
  if (status.at_work) out.operation = "sync";
  if (status.local_txid) out.txid = status.local_txid.value;
  if (status.wal_bytes > 0) out.wal_size = status.wal_bytes;
  if (status.last_error) out.error = status.last_error->message;
  out.status = wire_state(status.state);
  if (status.replicated_txid) out.replicated_txid = status.replicated_txid.value;
  if (status.last_sync_at) out.last_sync_at = replica::to_rfc3339(*status.last_sync_at);
  return out;
}

}  // namespace

Result<replica::DatabaseConfig> Service::check_new(const config::DatabaseSettings& settings) const {
  auto database = config::database_config(settings, metering_);
  if (const auto taken = taken_by_other(replicator_.list(), database))
    return fail(not_registered({Errc::already_exists, *taken, "every database needs a replica path of its own"}));
  return database;
}

Result<void> Service::open_new(const config::DatabaseSettings& settings) {
  auto database = check_new(settings);
  if (!database) return fail(database.error());
  if (auto added = replicator_.add(*database); !added) return fail(not_registered(added.error()));
  added_[settings.path] = settings;
  if (auto started = replicator_.start(settings.path, false);
      !started && started.error().code != Errc::already_exists)  // another call was faster
    return fail(not_registered(started.error()));
  logger_.log(replica::LogLevel::info, "database registered",
              {{"path", settings.path}, {"replica", settings.replica->location}});
  return {};
}

Result<control::RegisterResult> Service::register_database(const control::RegisterParams& params,
                                                           const control::Call&) {
  const auto path = admit(params.path);
  if (!path) return fail(path.error());
  auto settings = settings_for(*path, params.replica_url);
  if (!settings) return fail(settings.error());
  // What is written of a password that came with the address would not work after a restart.
  if (params.persist.value_or(info_.persist_to_config) && !info_.config_path.empty() &&
      config::has_secrets(settings->replica->store))
    return fail(invalid_url("it holds a secret, which is not written to the configuration file",
                            "register it without persist, or give the secret at the top of " + info_.config_path));
  control::RegisterResult result;
  result.path = *path;
  if (params.safety.dry_run) result.change.dry_run = true;
  bool enabled = true;
  {
    const std::lock_guard lock(registering_);
    if (const auto status = replicator_.status(*path)) {
      result.status = "already_registered";
      result.change.changed = false;
      const auto added = added_.find(*path);
      if (added == added_.end()) return result;  // the file has it
      settings = added->second;
      enabled = status->state == replica::DatabaseState::open;
    } else if (params.safety.dry_run) {
      if (auto r = check_new(*settings); !r) return fail(r.error());
    } else if (auto r = open_new(*settings); !r) {
      return fail(r.error());
    }
  }
  if (params.safety.dry_run) return result;
  if (auto r = persist(params.persist, config::SetEnabled{*path, enabled, &*settings}, *path, "registered"); !r)
    return fail(r.error());
  return result;
}

// What it was captured up to. Closed afterwards, also when the upload failed.
Result<replica::TxId> Service::stop_to_unregister(const std::string& path, const control::Call& call) {
  const auto stopped = replicator_.stop(path, call_of(call));
  if (stopped) return *stopped;
  const replica::Error& e = stopped.error();
  const auto status = replicator_.status(path);
  if (!status || e.code == Errc::precondition_failed) return status ? status->local_txid : replica::TxId{};
  if (auto end = gave_up("unregister", call, e)) return fail(std::move(*end));
  if (status->state != replica::DatabaseState::closed)
    return fail(other("failed to unregister database: ", e, "unregister_failed"));
  control::Error failure = other("stopped and still registered, for the final upload failed: ", e, "upload_failed");
  failure.hint = "start it when the cause is mended, or unregister it again to do without the upload";
  return fail(std::move(failure));
}

Result<control::UnregisterResult> Service::unregister_database(const control::UnregisterParams& params,
                                                               const control::Call& call) {
  const auto path = admit(params.path);
  if (!path) return fail(path.error());
  control::UnregisterResult result{.path = *path, .txid = 0};
  const auto status = replicator_.status(*path);
  if (!status) {
    result.status = "already_unregistered";
    result.change.changed = false;
  }
  if (params.safety.dry_run) {
    result.change.dry_run = true;
    if (status) result.txid = status->local_txid.value;
    return result;
  }
  if (status) {
    const auto txid = stop_to_unregister(*path, call);
    if (!txid) return fail(txid.error());
    result.txid = txid->value;
    const std::lock_guard lock(registering_);
    if (auto removed = replicator_.remove(*path, call_of(call)); !removed && removed.error().code != Errc::not_found)
      return fail(other("failed to unregister database: ", removed.error(), "unregister_failed"));
    added_.erase(*path);
    logger_.log(replica::LogLevel::info, "database unregistered", {{"path", *path}, {"txid", txid->text()}});
  }
  // Also when it was forgotten before: the file may still have it.
  if (auto r = persist(params.persist, config::RemoveEntry{*path}, *path, "unregistered"); !r) return fail(r.error());
  return result;
}

Result<control::TxidResult> Service::txid(const control::TxidParams& params, const control::Call&) {
  const auto path = clean(params.path);
  if (!path) return fail(path.error());
  const auto status = replicator_.status(*path);
  if (!status) return fail(not_found(*path));
  return control::TxidResult{status->local_txid.value};
}

Result<std::vector<control::SyncStatusEntry>> Service::sync_status(const control::SyncStatusParams& params,
                                                                   const control::Call&) {
  std::vector<control::SyncStatusEntry> out;
  if (!params.path) {
    for (const replica::DatabaseStatus& status : replicator_.list()) out.push_back(sync_status_of(status));
    return out;
  }
  const auto path = clean(*params.path);
  if (!path) return fail(path.error());
  const auto status = replicator_.status(*path);
  if (!status) return fail(not_found(*path));
  out.push_back(sync_status_of(*status));
  return out;
}

}  // namespace litestreamd

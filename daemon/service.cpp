#include "service.hpp"

#include <unistd.h>

#include <algorithm>

#include "config/paths.hpp"
#include "config/persist.hpp"

namespace litestreamd {

using control::fail;
using control::Result;
using replica::Errc;

namespace {

replica::Call call_of(const control::Call& call) {
  replica::Call out{.stop = call.stop, .deadline = {}};
  if (call.deadline != std::chrono::steady_clock::time_point::max()) out.deadline = call.deadline;
  return out;
}

Result<std::string> clean(const std::string& path) {
  auto absolute = config::absolute_path(path);
  if (!absolute) return fail(control::invalid_params("invalid path: " + absolute.error().message));
  return std::move(*absolute);
}

control::Error error(std::string message, std::string reason, std::string hint = {}, bool retryable = false) {
  return {control::code::kApplication, std::move(message), std::move(reason), std::move(hint), retryable};
}

control::Error not_found(const std::string& path) {
  return error("database not found: " + path, "not_found",
               "name it in the configuration file, or give one with -config");
}

control::Error shutting_down() { return error("the daemon is shutting down", "shutting_down", {}, true); }

// An error of the engine that has no message of its own on the control page; `reason` when the page has one for it.
control::Error other(std::string_view prefix, const replica::Error& from, std::string_view reason = {}) {
  return error(std::string(prefix) + from.message, std::string(reason.empty() ? replica::name(from.code) : reason),
               from.hint, replica::is_retryable(from));
}

// Who gave up: the caller's time ran out, the daemon is closing, or neither (nullopt).
std::optional<control::Error> gave_up(std::string_view method, const control::Call& call, const replica::Error& from) {
  if (from.code == Errc::cancelled && call.stop.stop_requested()) return shutting_down();
  if (from.code == Errc::timed_out && std::chrono::steady_clock::now() >= call.deadline) {
    control::Error timeout = control::timeout_error(method);
    if (!from.hint.empty()) timeout.hint = from.hint;  // what went wrong meanwhile
    return timeout;
  }
  return std::nullopt;
}

control::DatabaseEntry entry(const replica::DatabaseStatus& status) {
  return {status.path,
          status.state == replica::DatabaseState::open ? control::DatabaseState::open : control::DatabaseState::closed};
}

}  // namespace

Service::Service(replica::Replicator& replicator, replica::Logger& logger, DaemonInfo info, config::LoadOptions load,
                 config::Decorate decorate)
    : replicator_(replicator),
      logger_(logger),
      info_(std::move(info)),
      load_(std::move(load)),
      decorate_(std::move(decorate)) {}

Result<std::string> Service::admit(const std::string& path) const {
  if (closing_) return fail(shutting_down());
  return clean(path);
}

Result<void> Service::persist(const std::string& path, bool enabled, const config::DatabaseSettings* added) {
  if (!info_.persist_to_config || info_.config_path.empty()) return {};
  const std::lock_guard lock(persisting_);
  const auto written = config::persist_enabled(info_.config_path, path, enabled, added, load_);
  if (written) return {};
  const replica::Error& e = written.error();
  logger_.log(replica::LogLevel::error, "cannot write to the configuration file",
              {{"path", path}, {"file", info_.config_path}, {"error", e.message}});
  return fail(error(std::string(enabled ? "started" : "stopped") + ", but " + info_.config_path +
                        " could not be changed: " + e.message,
                    "persist_failed", e.hint));
}

Result<config::DatabaseSettings> Service::register_from(const std::string& config, const std::string& path,
                                                        const replica::Call& call) {
  const auto refuse = [](const std::string& why, std::string hint = {}) {
    return fail(error("failed to load config: " + why, "invalid_config", std::move(hint)));
  };
  const std::lock_guard lock(registering_);
  const auto current = replicator_.status(path);
  if (current && current->state == replica::DatabaseState::open)
    return fail(error("database already enabled: " + path, "already_enabled"));
  auto loaded = config::load(config, load_);
  if (!loaded) return refuse(loaded.error().message, loaded.error().hint);
  const config::DatabaseSettings* settings = loaded->find(path);
  if (settings == nullptr) return refuse("database not found in " + loaded->file + ": " + path);
  if (!settings->replica) return fail(error("database has no replica configured: " + path, "no_replica"));
  auto database = config::database_config(*settings, decorate_);
  for (const replica::DatabaseStatus& known : replicator_.list())
    if (known.path != path && known.replica_url == database.replica_url)
      return refuse("replica " + known.replica_url + " is already used by " + known.path,
                    "every database needs a replica path of its own");
  if (current)
    if (auto removed = replicator_.remove(path, call); !removed) return fail(other("", removed.error()));
  if (auto added = replicator_.add(std::move(database)); !added) return fail(other("", added.error()));
  logger_.log(replica::LogLevel::info, "database registered", {{"path", path}, {"config", loaded->file}});
  return *settings;
}

Result<control::StartResult> Service::start(const control::StartParams& params, const control::Call& call) {
  const auto path = admit(params.path);
  if (!path) return fail(path.error());
  std::optional<config::DatabaseSettings> added;
  if (params.config) {
    auto registered = register_from(*params.config, *path, call_of(call));
    if (!registered) return fail(registered.error());
    added = std::move(*registered);
  }
  const auto started = replicator_.start(*path, params.wait, call_of(call));
  Result<void> persisted;
  if (started || started.error().code == Errc::timed_out)  // then it goes on
    persisted = persist(*path, true, added ? &*added : nullptr);
  if (!started) {
    const replica::Error& e = started.error();
    if (auto end = gave_up("start", call, e)) return fail(std::move(*end));
    if (e.code == Errc::not_found && !replicator_.status(*path)) return fail(not_found(*path));
    if (e.code == Errc::already_exists) return fail(error("database already enabled: " + *path, "already_enabled"));
    if (e.code == Errc::precondition_failed)
      return fail(error("database has no replica configured: " + *path, "no_replica"));
    return fail(other("", e));
  }
  logger_.log(replica::LogLevel::info, "replication started", {{"path", *path}});
  if (!persisted) return fail(persisted.error());
  control::StartResult result;
  result.path = *path;
  if (const auto status = replicator_.status(*path); status && status->ready) result.txid = status->local_txid.value;
  return result;
}

Result<control::StopResult> Service::stop(const control::StopParams& params, const control::Call& call) {
  const auto path = admit(params.path);
  if (!path) return fail(path.error());
  auto txid = replicator_.stop(*path, call_of(call));
  if (!txid) {
    replica::Error& e = txid.error();
    if (auto end = gave_up("stop", call, e)) return fail(std::move(*end));
    const auto status = replicator_.status(*path);
    if (!status) return fail(not_found(*path));
    if (e.code == Errc::precondition_failed)
      return fail(error("database already disabled: " + *path, "already_disabled"));
    if (status->state != replica::DatabaseState::closed) return fail(other("", e));
    if (auto r = persist(*path, false); !r) e.hint = r.error().message;
    return fail(other("stopped, but the final upload failed: ", e, "upload_failed"));
  }
  logger_.log(replica::LogLevel::info, "replication stopped", {{"path", *path}, {"txid", txid->text()}});
  if (auto r = persist(*path, false); !r) return fail(r.error());
  control::StopResult result;
  result.path = *path;
  result.txid = txid->value;
  return result;
}

Result<control::SyncResult> Service::sync(const control::SyncParams& params, const control::Call& call) {
  const auto path = admit(params.path);
  if (!path) return fail(path.error());
  const auto before = replicator_.status(*path);
  if (!before) return fail(not_found(*path));
  if (before->replica_type.empty()) return fail(error("database has no replica", "no_replica"));
  const auto outcome = replicator_.sync(*path, params.wait, call_of(call));
  if (!outcome) {
    const replica::Error& e = outcome.error();
    if (auto end = gave_up("sync", call, e)) return fail(std::move(*end));
    if (e.code == Errc::precondition_failed && before->state == replica::DatabaseState::closed)
      return fail(error("database not open: " + *path, "not_open", "start it first"));
    return fail(other("sync failed: ", e, "sync_failed"));
  }
  control::SyncResult result;
  result.status = !outcome->changed ? "no_change" : params.wait ? "synced" : "synced_local";
  result.path = *path;
  result.txid = outcome->txid.value;
  result.replicated_txid = outcome->replicated_txid.value;
  return result;
}

Result<control::DatabaseEntry> Service::status(const control::StatusParams& params, const control::Call&) {
  const auto path = clean(params.path);
  if (!path) return fail(path.error());
  const auto status = replicator_.status(*path);
  if (!status) return fail(not_found(*path));
  return entry(*status);
}

Result<std::vector<control::DatabaseEntry>> Service::list(const control::Call&) {
  std::vector<control::DatabaseEntry> out;
  for (const replica::DatabaseStatus& status : replicator_.list()) out.push_back(entry(status));
  return out;
}

Result<control::InfoResult> Service::info(const control::Call&) {
  control::InfoResult out;
  out.version = info_.version;
  out.pid = ::getpid();
  out.config_path = info_.config_path;
  out.socket_path = info_.socket_path;
  out.http_addr = info_.http_addr;
  out.persist_to_config = info_.persist_to_config;
  const replica::DatabaseCounts counts = replicator_.counts();
  out.databases = counts.registered;
  out.open_databases = counts.open;
  out.started_at = replica::to_rfc3339(info_.started_at);
  if (!info_.sqlite_version.empty()) out.sqlite_version = info_.sqlite_version;
  return out;
}

}  // namespace litestreamd

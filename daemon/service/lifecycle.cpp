#include "service/answers.hpp"
#include "service/service.hpp"

namespace litestreamd {

using control::fail;
using control::Result;
using replica::Errc;

namespace {

control::Error no_replica(const std::string& path) {
  return error("database has no replica configured: " + path, "no_replica");
}

control::Error already_disabled(const std::string& path) {
  return error("database already disabled: " + path, "already_disabled");
}

}  // namespace

Result<Service::Registration> Service::registration(const std::string& config, const std::string& path) const {
  const auto refuse = [](const std::string& why, std::string hint = {}) {
    return fail(error("failed to load config: " + why, "invalid_config", std::move(hint)));
  };
  if (auto r = check_closed(path); !r && r.error().reason != "not_found") return fail(r.error());
  auto loaded = config::load(config, load_);
  if (!loaded) return refuse(loaded.error().message, loaded.error().hint);
  const config::DatabaseSettings* settings = loaded->find(path);
  if (settings == nullptr) return refuse("database not found in " + loaded->file + ": " + path);
  if (!settings->replica) return fail(no_replica(path));
  auto database = config::database_config(*settings, metering_);
  if (const auto taken = taken_by_other(replicator_.list(), database))
    return refuse(*taken, "every database needs a replica path of its own");
  return Registration{*settings, std::move(database), loaded->file};
}

Result<void> Service::register_from(const std::string& config, const std::string& path, const replica::Call& call) {
  const std::lock_guard lock(registering_);
  auto found = registration(config, path);
  if (!found) return fail(found.error());
  if (replicator_.status(path))
    if (auto removed = replicator_.remove(path, call); !removed) return fail(other("", removed.error()));
  if (auto added = replicator_.add(found->database); !added) return fail(other("", added.error()));
  logger_.log(replica::LogLevel::info, "database registered", {{"path", path}, {"config", found->file}});
  added_[path] = std::move(found->settings);
  return {};
}

Result<void> Service::check_closed(const std::string& path) const {
  const auto status = replicator_.status(path);
  if (!status) return fail(not_found(path));
  if (status->state == replica::DatabaseState::open)
    return fail(error("database already enabled: " + path, "already_enabled"));
  return {};
}

Result<void> Service::try_start(const control::StartParams& params, const std::string& path) const {
  if (params.config) {
    if (auto r = registration(*params.config, path); !r) return fail(r.error());
    return {};
  }
  if (auto r = check_closed(path); !r) return r;
  if (replicator_.status(path)->replica_type.empty()) return fail(no_replica(path));
  return {};
}

Result<control::StartResult> Service::start(const control::StartParams& params, const control::Call& call) {
  const auto path = admit(params.path);
  if (!path) return fail(path.error());
  if (params.safety.dry_run) {
    if (auto r = try_start(params, *path); !r) return fail(r.error());
    return control::StartResult{.path = *path, .change = {.dry_run = true}};
  }
  if (params.config)
    if (auto r = register_from(*params.config, *path, call_of(call)); !r) return fail(r.error());
  const auto started = replicator_.start(*path, params.wait, call_of(call));
  Result<void> persisted;
  if (started || started.error().code == Errc::timed_out)  // then it goes on
    persisted = persist_enabled(params.persist, *path, true);
  if (!started) {
    const replica::Error& e = started.error();
    if (auto end = gave_up("start", call, e)) return fail(std::move(*end));
    if (e.code == Errc::not_found && !replicator_.status(*path)) return fail(not_found(*path));
    if (e.code == Errc::already_exists) return fail(error("database already enabled: " + *path, "already_enabled"));
    if (e.code == Errc::precondition_failed) return fail(no_replica(*path));
    return fail(other("", e));
  }
  logger_.log(replica::LogLevel::info, "replication started", {{"path", *path}});
  if (!persisted) return fail(persisted.error());
  control::StartResult result;
  result.path = *path;
  if (const auto status = replicator_.status(*path); status && (status->ready || status->local_txid))
    result.txid = status->local_txid.value;
  return result;
}

Result<control::StopResult> Service::try_stop(const std::string& path) const {
  const auto status = replicator_.status(path);
  if (!status) return fail(not_found(path));
  if (status->state != replica::DatabaseState::open) return fail(already_disabled(path));
  return control::StopResult{.path = path, .txid = status->local_txid.value, .change = {.dry_run = true}};
}

Result<control::StopResult> Service::stop(const control::StopParams& params, const control::Call& call) {
  const auto path = admit(params.path);
  if (!path) return fail(path.error());
  if (params.safety.dry_run) return try_stop(*path);
  auto txid = replicator_.stop(*path, call_of(call));
  if (!txid) {
    replica::Error& e = txid.error();
    if (auto end = gave_up("stop", call, e)) return fail(std::move(*end));
    const auto status = replicator_.status(*path);
    if (!status) return fail(not_found(*path));
    if (e.code == Errc::precondition_failed) return fail(already_disabled(*path));
    if (status->state != replica::DatabaseState::closed) return fail(other("", e));
    if (auto r = persist_enabled(params.persist, *path, false); !r) e.hint = r.error().message;
    return fail(other("stopped, but the final upload failed: ", e, "upload_failed"));
  }
  logger_.log(replica::LogLevel::info, "replication stopped", {{"path", *path}, {"txid", txid->text()}});
  if (auto r = persist_enabled(params.persist, *path, false); !r) return fail(r.error());
  control::StopResult result;
  result.path = *path;
  result.txid = txid->value;
  return result;
}

}  // namespace litestreamd

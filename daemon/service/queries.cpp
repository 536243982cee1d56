#include <unistd.h>

#include "health.hpp"
#include "service/answers.hpp"
#include "service/service.hpp"

namespace litestreamd {

using control::fail;
using control::Result;

namespace {

control::DatabaseEntry entry(std::string path, replica::DatabaseState state) {
  return {std::move(path), wire_state(state)};
}

// Of a DatabaseStatus or a ReplicaStatus.
template <class Status>
const char* replica_state(const Status& status) {
  if (status.auth_failed) return "auth_failed";
  if (status.last_error) return "failing";
  return status.retention_error ? "retention_refused" : "ok";
}

std::optional<control::RequestTotals> totals(const RequestsByType& by_type) {
  replica::RequestCounts counts;
  for (const auto& one : by_type) counts += one.second;
  const replica::RequestTally sum = counts.total();
  if (sum == replica::RequestTally{}) return std::nullopt;
  const auto of = [&](replica::RequestClass kind) { return counts[kind].requests; };
  using enum replica::RequestClass;
  return control::RequestTotals{.put = of(put),
                                .get = of(get),
                                .list = of(list),
                                .stat = of(stat),
                                .remove = of(remove),
                                .other = of(other),
                                .login = of(login),
                                .errors = sum.errors,
                                .retries = sum.retries,
                                .bytes_sent = sum.bytes_sent,
                                .bytes_received = sum.bytes_received};
}

control::DatabaseEntry detailed(const replica::DatabaseStatus& status, const RequestsByType& requests,
                                replica::Timestamp started_at) {
  control::DatabaseEntry out = entry(status.path, status.state);
  out.txid = status.local_txid.value;
  out.replicated_txid = status.replicated_txid.value;
  out.lag_seconds = lag_seconds(status, replica::SystemClock().now(), started_at);
  out.database_bytes = status.database_bytes;
  out.wal_bytes = status.wal_bytes;
  if (!status.replica_url.empty()) out.replica = status.replica_url;
  if (status.last_sync_at) out.last_sync_at = replica::to_rfc3339(*status.last_sync_at);
  const auto& error = status.last_error ? status.last_error : status.retention_error;
  if (error) out.last_error = control::LastError{std::string(replica::name(error->code)), error->message};
  if (out.replica) out.replica_state = replica_state(status);
  out.replicas = replica_entries(status);
  out.requests = totals(requests);
  out.hibernating = status.hibernating;
  return out;
}

}  // namespace

std::optional<std::vector<control::ReplicaEntry>> replica_entries(const replica::DatabaseStatus& status) {
  if (status.replicas.empty()) return std::nullopt;
  const auto now = replica::SystemClock().now();
  std::vector<control::ReplicaEntry> out;
  for (const replica::ReplicaStatus& one : status.replicas) {
    control::ReplicaEntry entry{.replica = one.url, .replicated_txid = one.replicated_txid.value};
    if (!one.name.empty()) entry.name = one.name;
    entry.lag_bytes = one.lag_bytes;
    if (one.behind_since)
      entry.lag_seconds = std::max(0.0, std::chrono::duration<double>(now - *one.behind_since).count());
    if (one.last_sync_at) entry.last_sync_at = replica::to_rfc3339(*one.last_sync_at);
    const auto& error = one.last_error ? one.last_error : one.retention_error;
    if (error) entry.last_error = control::LastError{std::string(replica::name(error->code)), error->message};
    entry.replica_state = replica_state(one);
    out.push_back(std::move(entry));
  }
  return out;
}

RequestsByType Service::requests_of(const std::string& database) const {
  return requests_ ? requests_(database) : RequestsByType();
}

Result<control::DatabaseEntry> Service::status(const control::StatusParams& params, const control::Call&) {
  const auto path = clean(params.path);
  if (!path) return fail(path.error());
  const auto status = replicator_.status(*path);
  if (!status) return fail(not_found(*path));
  if (!params.details) return entry(status->path, status->state);
  return detailed(*status, requests_of(*path), info_.started_at);
}

Result<std::vector<control::DatabaseEntry>> Service::list(const control::ListParams& params, const control::Call&) {
  std::vector<control::DatabaseEntry> out;
  if (params.details) {
    for (const replica::DatabaseStatus& status : replicator_.list())
      out.push_back(detailed(status, requests_of(status.path), info_.started_at));
    return out;
  }
  auto states = replicator_.states();
  out.reserve(states.size());  // entries are large, for their details
  for (auto& [path, state] : states) out.push_back(entry(std::move(path), state));
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
  out.uptime_seconds = static_cast<std::uint64_t>(std::max<std::int64_t>(
      0, std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now() - info_.started_at).count()));
  return out;
}

}  // namespace litestreamd

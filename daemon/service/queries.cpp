#include <unistd.h>

#include "service/answers.hpp"
#include "service/service.hpp"

namespace litestreamd {

using control::fail;
using control::Result;

namespace {

control::DatabaseEntry entry(const replica::DatabaseStatus& status) {
  return {status.path,
          status.state == replica::DatabaseState::open ? control::DatabaseState::open : control::DatabaseState::closed};
}

}  // namespace

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

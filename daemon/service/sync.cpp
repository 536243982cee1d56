#include "service/answers.hpp"
#include "service/service.hpp"

namespace litestreamd {

using control::fail;
using control::Result;
using replica::Errc;

namespace {

control::Error not_open(const std::string& path) {
  return error("database not open: " + path, "not_open", "start it first");
}

// As far as is known without looking at the WAL.
control::SyncResult would_sync(const replica::DatabaseStatus& now) {
  control::SyncResult result;
  const bool behind = now.local_txid > now.replicated_txid;
  result.status = behind ? "synced" : "no_change";
  result.path = now.path;
  result.txid = now.local_txid.value;
  result.replicated_txid = now.replicated_txid.value;
  result.change = {.changed = behind, .dry_run = true};
  return result;
}

}  // namespace

Result<control::SyncResult> Service::sync(const control::SyncParams& params, const control::Call& call) {
  const auto path = admit(params.path);
  if (!path) return fail(path.error());
  const auto before = replicator_.status(*path);
  if (!before) return fail(not_found(*path));
  if (before->replica_type.empty()) return fail(error("database has no replica", "no_replica"));
  if (params.safety.dry_run && before->state == replica::DatabaseState::closed) return fail(not_open(*path));
  if (params.safety.dry_run) return would_sync(*before);
  const auto outcome = replicator_.sync(*path, params.wait, call_of(call));
  if (!outcome) {
    const replica::Error& e = outcome.error();
    if (auto end = gave_up("sync", call, e)) return fail(std::move(*end));
    if (e.code == Errc::precondition_failed && before->state == replica::DatabaseState::closed)
      return fail(not_open(*path));
    return fail(other("sync failed: ", e, "sync_failed"));
  }
  control::SyncResult result;
  result.status = !outcome->changed ? "no_change" : params.wait ? "synced" : "synced_local";
  result.path = *path;
  result.txid = outcome->txid.value;
  result.replicated_txid = outcome->replicated_txid.value;
  result.change.changed = outcome->changed;
  return result;
}

}  // namespace litestreamd

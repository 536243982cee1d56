#include "service/answers.hpp"
#include "service/service.hpp"

namespace litestreamd {

using control::fail;
using control::Result;
using replica::Errc;

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

}  // namespace litestreamd

// The members of every struct of api.hpp: order on the wire, names, documentation.
#pragma once

#include "methods/fields.hpp"

namespace control {

inline constexpr FieldDoc kPathField{"path", "DB_PATH", "Path of the database file"};
inline constexpr FieldDoc kTimeoutField{"timeout", "SECONDS", "Maximum wait time"};
inline constexpr FieldDoc kPersistField{
    "persist", "", "Write the change into the configuration file, or not; else socket.persist-to-config decides"};
inline constexpr FieldDoc kTxidField{"txid", "", "Transaction up to which the changes are captured"};

template <class V>
void fields(V& v, Safety& s) {
  v(kOptional, {"dry_run", "", "Only check whether it could be done, and say what it would change"}, s.dry_run);
  v(kOptional, {"request_id", "ID", "Repeated with the same ID, the call is done once"}, s.request_id);
  v(kOptional, {"deadline", "UNIX_TIME", "When to give up at the latest, in seconds since 1970"}, s.deadline);
}

template <class V>
void fields(V& v, Change& c) {
  v(kRequired, {"changed", "", "Something was changed; in a dry run: would be"}, c.changed);
  v(kOptional, {"dry_run", "", "`true` when it was a dry run"}, c.dry_run);
}

template <class V>
void fields(V& v, StartParams& p) {
  v(kRequired, kPathField, p.path);
  v(kOptional, {"config", "PATH", "Path to config file with replica settings"}, p.config);
  v(kOptional, {"wait", "", "Block until replication has started"}, p.wait);
  v(kOptional, kTimeoutField, p.timeout);
  v(kOptional, kPersistField, p.persist);
  fields(v, p.safety);
}

template <class V>
void fields(V& v, StartResult& r) {
  v(kRequired, {"status", "", "`started`"}, r.status);
  v(kRequired, kPathField, r.path);
  v(kOptional, kTxidField, r.txid);
  fields(v, r.change);
}

template <class V>
void fields(V& v, StopParams& p) {
  v(kRequired, kPathField, p.path);
  v(kOptional, kTimeoutField, p.timeout);
  v(kOptional, kPersistField, p.persist);
  fields(v, p.safety);
}

template <class V>
void fields(V& v, StopResult& r) {
  v(kRequired, {"status", "", "`stopped`"}, r.status);
  v(kRequired, kPathField, r.path);
  v(kOptional, kTxidField, r.txid);
  fields(v, r.change);
}

template <class V>
void fields(V& v, SyncParams& p) {
  v(kRequired, kPathField, p.path);
  v(kOptional, {"wait", "", "Block until sync completes"}, p.wait);
  v(kOptional, kTimeoutField, p.timeout);
  fields(v, p.safety);
}

template <class V>
void fields(V& v, SyncResult& r) {
  v(kRequired, {"status", "", "`synced`, `synced_local` (captured, the upload is under way) or `no_change`"}, r.status);
  v(kRequired, kPathField, r.path);
  v(kOptional, kTxidField, r.txid);
  v(kOptional, {"replicated_txid", "", "Transaction up to which the replica has the changes durably"},
    r.replicated_txid);
  fields(v, r.change);
}

inline constexpr FieldDoc kReplicatedTxidField{"replicated_txid", "",
                                               "Transaction up to which the replica has the changes durably"};
inline constexpr FieldDoc kDetailsField{"details", "", "Add positions, lag, sizes, replica, last error and requests"};

template <class V>
void fields(V& v, StatusParams& p) {
  v(kRequired, kPathField, p.path);
  v(kOptional, kDetailsField, p.details);
}

template <class V>
void fields(V& v, ListParams& p) {
  v(kOptional, kDetailsField, p.details);
}

template <class V>
void fields(V& v, LastError& r) {
  v(kRequired, {"code", "", "A stable word"}, r.code);
  v(kRequired, {"message", "", ""}, r.message);
}

inline constexpr FieldDoc kReplicasField{
    "replicas", "",
    "With several replicas, an object for each: `replica` (URL), `name`, `replicated_txid`, `lag_bytes`, "
    "`lag_seconds`, `last_sync_at`, `last_error`, `replica_state`; the members beside it then say what holds for all"};

template <class V>
void fields(V& v, ReplicaEntry& r) {
  v(kRequired, {"replica", "", ""}, r.replica);
  v(kOptional, {"name", "", ""}, r.name);
  v(kRequired, kReplicatedTxidField, r.replicated_txid);
  v(kRequired, {"lag_bytes", "", ""}, r.lag_bytes);
  v(kRequired, {"lag_seconds", "", ""}, r.lag_seconds);
  v(kOptional, {"last_sync_at", "", ""}, r.last_sync_at);
  v(kOptional, {"last_error", "", ""}, r.last_error);
  v(kRequired, {"replica_state", "", ""}, r.replica_state);
}

template <class V>
void fields(V& v, RequestTotals& r) {
  v(kRequired, {"put", "", ""}, r.put);
  v(kRequired, {"get", "", ""}, r.get);
  v(kRequired, {"list", "", ""}, r.list);
  v(kRequired, {"stat", "", ""}, r.stat);
  v(kRequired, {"remove", "", ""}, r.remove);
  v(kRequired, {"other", "", ""}, r.other);
  v(kRequired, {"login", "", ""}, r.login);
  v(kRequired, {"errors", "", ""}, r.errors);
  v(kRequired, {"retries", "", ""}, r.retries);
  v(kRequired, {"bytes_sent", "", ""}, r.bytes_sent);
  v(kRequired, {"bytes_received", "", ""}, r.bytes_received);
}

template <class V>
void fields(V& v, DatabaseEntry& r) {
  v(kRequired, kPathField, r.path);
  v(kRequired, {"status", "", "`open`: open and replicating; `closed`: registered but not replicating"}, r.status);
  v(kOptional, kTxidField, r.txid);
  v(kOptional, kReplicatedTxidField, r.replicated_txid);
  v(kOptional, {"lag_seconds", "", "Time since everything was durable on the replica, 0 while it is"}, r.lag_seconds);
  v(kOptional, {"database_bytes", "", "Size of the database file"}, r.database_bytes);
  v(kOptional, {"wal_bytes", "", "Size of the WAL file"}, r.wal_bytes);
  v(kOptional, {"replica", "", "URL of the replica, without secrets"}, r.replica);
  v(kOptional, {"last_sync_at", "", "When everything captured was last durable on the replica, RFC 3339"},
    r.last_sync_at);
  v(kOptional, {"last_error", "", "`code` and `message` of the last step of replication, when it failed"},
    r.last_error);
  v(kOptional,
    {"replica_state", "",
     "`ok`; `failing`; `auth_failed`: the store refuses uploads; `retention_refused`: it only refuses to delete"},
    r.replica_state);
  v(kOptional, kReplicasField, r.replicas);
  v(kOptional,
    {"requests", "",
     "What was sent to the replica since the database was registered: requests by class (`put`, `get`, `list`, `stat`, "
     "`remove`, `other`, `login`), `errors`, `retries`, `bytes_sent`, `bytes_received`; see docs/metrics.md"},
    r.requests);
  v(kOptional, {"hibernating", "", "Quiet for so long that no connection to it is kept, see `hibernate-after`"},
    r.hibernating);
}

struct NoParams {};

template <class V>
void fields(V&, NoParams&) {}

template <class V>
void fields(V& v, InfoResult& r) {
  v(kRequired, {"version", "", "Version of the daemon"}, r.version);
  v(kRequired, {"pid", "", "Process id of the daemon"}, r.pid);
  v(kRequired, {"config_path", "", "Configuration file in use; empty = none"}, r.config_path);
  v(kRequired, {"socket_path", "", "Unix socket; empty = none"}, r.socket_path);
  v(kRequired, {"http_addr", "", "Address of the HTTP listener; empty = none"}, r.http_addr);
  v(kRequired, {"persist_to_config", "", "start and stop are written to the configuration file"}, r.persist_to_config);
  v(kRequired, {"databases", "", "Registered databases"}, r.databases);
  v(kRequired, {"open_databases", "", "Those of them that are open"}, r.open_databases);
  v(kRequired, {"started_at", "", "Start of the daemon, RFC 3339"}, r.started_at);
  v(kOptional, {"sqlite_version", "", "SQLite library in use"}, r.sqlite_version);
  v(kOptional, {"uptime_seconds", "", "Time since then"}, r.uptime_seconds);
}

template <class V>
void fields(V& v, RegisterParams& p) {
  v(kRequired, kPathField, p.path);
  v(kRequired, {"replica_url", "REPLICA_URL", "Where to replicate to, as in file:///backup/app.db"}, p.replica_url);
  v(kOptional, kTimeoutField, p.timeout);
  v(kOptional, kPersistField, p.persist);
  fields(v, p.safety);
}

template <class V>
void fields(V& v, RegisterResult& r) {
  v(kRequired, {"status", "", "`registered` or `already_registered`"}, r.status);
  v(kRequired, kPathField, r.path);
  fields(v, r.change);
}

template <class V>
void fields(V& v, UnregisterParams& p) {
  v(kRequired, kPathField, p.path);
  v(kOptional, kTimeoutField, p.timeout);
  v(kOptional, kPersistField, p.persist);
  fields(v, p.safety);
}

template <class V>
void fields(V& v, UnregisterResult& r) {
  v(kRequired, {"status", "", "`unregistered` or `already_unregistered`"}, r.status);
  v(kRequired, kPathField, r.path);
  v(kOptional, kTxidField, r.txid);
  fields(v, r.change);
}

template <class V>
void fields(V& v, TxidParams& p) {
  v(kRequired, kPathField, p.path);
}

template <class V>
void fields(V& v, TxidResult& r) {
  v(kRequired, {"txid", "", "Transaction up to which the changes are captured; 0 = none yet"}, r.txid);
}

template <class V>
void fields(V& v, SyncStatusParams& p) {
  v(kOptional, kPathField, p.path);
}

template <class V>
void fields(V& v, SyncStatusEntry& r) {
  v(kRequired, kPathField, r.path);
  v(kRequired, {"active", "", "Something is being captured or uploaded"}, r.active);
  v(kOptional, {"operation", "", "`sync` when active"}, r.operation);
  v(kOptional, kTxidField, r.txid);
  v(kOptional, {"wal_size", "", "Bytes of the WAL"}, r.wal_size);
  v(kOptional, {"error", "", "What the last attempt failed with"}, r.error);
  v(kRequired, {"status", "", "`open` or `closed`"}, r.status);
  v(kOptional, {"replicated_txid", "", "Transaction up to which the replica has the changes durably"},
    r.replicated_txid);
  v(kOptional, {"last_sync_at", "", "When all that was captured was last durable on the replica, RFC 3339"},
    r.last_sync_at);
}

template <class V>
void fields(V& v, ConfigParams& p) {
  v(kOptional, {"config", "PATH", "Path to the config file; without it the one in use"}, p.config);
}

template <class V>
void fields(V& v, ValidateResult& r) {
  v(kRequired, {"status", "", "`valid`"}, r.status);
  v(kRequired, {"config", "", "The file that was read"}, r.config);
  v(kRequired, {"databases", "", "Databases it names"}, r.databases);
}

template <class V>
void fields(V& v, ConfigDiff& r) {
  v(kRequired, {"added", "", "Databases that are new"}, r.added);
  v(kRequired, {"removed", "", "Databases that are gone: stopped and forgotten, nothing is deleted"}, r.removed);
  v(kRequired, {"modified", "", "Databases with other settings: stopped and registered anew"}, r.modified);
  v(kRequired, {"switched", "", "Databases to start or stop for their `enabled` or `auto-replicate`"}, r.switched);
  v(kRequired, {"applied", "", "Other keys that take effect at once"}, r.applied);
  v(kRequired, {"needs_restart", "", "Other keys that take effect at the next start"}, r.needs_restart);
}

template <class V>
void fields(V& v, ReloadParams& p) {
  v(kOptional, kTimeoutField, p.timeout);
  fields(v, p.safety);
}

template <class V>
void fields(V& v, ReloadResult& r) {
  v(kRequired, {"status", "", "`reloaded`"}, r.status);
  fields(v, r.diff);
  fields(v, r.change);
}

template <class V>
void fields(V& v, LogLevelParams& p) {
  v(kOptional, {"level", "LEVEL", "`trace`, `debug`, `info`, `warn` or `error`; without it nothing is changed"},
    p.level);
  fields(v, p.safety);
}

template <class V>
void fields(V& v, LogLevelResult& r) {
  v(kRequired, {"level", "", "The level in force"}, r.level);
  fields(v, r.change);
}

}  // namespace control

// The members of every struct of api.hpp: order on the wire, names, documentation.
#pragma once

#include "methods/fields.hpp"

namespace control {

inline constexpr FieldDoc kPathField{"path", "DB_PATH", "Path of the database file"};
inline constexpr FieldDoc kTimeoutField{"timeout", "SECONDS", "Maximum wait time"};
inline constexpr FieldDoc kTxidField{"txid", "", "Transaction up to which the changes are captured"};

template <class V>
void fields(V& v, StartParams& p) {
  v(kRequired, kPathField, p.path);
  v(kOptional, {"config", "PATH", "Path to config file with replica settings"}, p.config);
  v(kOptional, {"wait", "", "Block until replication has started"}, p.wait);
  v(kOptional, kTimeoutField, p.timeout);
}

template <class V>
void fields(V& v, StartResult& r) {
  v(kRequired, {"status", "", "`started`"}, r.status);
  v(kRequired, kPathField, r.path);
  v(kOptional, kTxidField, r.txid);
}

template <class V>
void fields(V& v, StopParams& p) {
  v(kRequired, kPathField, p.path);
  v(kOptional, kTimeoutField, p.timeout);
}

template <class V>
void fields(V& v, StopResult& r) {
  v(kRequired, {"status", "", "`stopped`"}, r.status);
  v(kRequired, kPathField, r.path);
  v(kOptional, kTxidField, r.txid);
}

template <class V>
void fields(V& v, SyncParams& p) {
  v(kRequired, kPathField, p.path);
  v(kOptional, {"wait", "", "Block until sync completes"}, p.wait);
  v(kOptional, kTimeoutField, p.timeout);
}

template <class V>
void fields(V& v, SyncResult& r) {
  v(kRequired, {"status", "", "`synced`, `synced_local` (captured, the upload is under way) or `no_change`"}, r.status);
  v(kRequired, kPathField, r.path);
  v(kOptional, kTxidField, r.txid);
  v(kOptional, {"replicated_txid", "", "Transaction up to which the replica has the changes durably"},
    r.replicated_txid);
}

template <class V>
void fields(V& v, StatusParams& p) {
  v(kRequired, kPathField, p.path);
}

template <class V>
void fields(V& v, DatabaseEntry& r) {
  v(kRequired, kPathField, r.path);
  v(kRequired, {"status", "", "`open`: open and replicating; `closed`: registered but not replicating"}, r.status);
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
}

}  // namespace control

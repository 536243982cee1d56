// The members of the structs of events.hpp.
#pragma once

#include "methods/api_fields.hpp"

namespace control {

inline constexpr FieldDoc kDurableTxidField{"replicated_txid", "",
                                            "Transaction up to which the replica has the changes durably"};

template <class V>
void fields(V& v, PositionParams& p) {
  v(kRequired, kPathField, p.path);
}

template <class V>
void fields(V& v, PositionResult& r) {
  v(kRequired, kPathField, r.path);
  v(kRequired, kTxidField, r.txid);
  v(kRequired, kDurableTxidField, r.replicated_txid);
  v(kRequired,
    {"lag_bytes", "", "Bytes of LTX files still to be uploaded, and of the WAL not yet captured at the last look"},
    r.lag_bytes);
  v(kRequired, {"lag_seconds", "", "Age of the oldest change that is not on the replica; 0 = there is none"},
    r.lag_seconds);
  v(kOptional, {"last_sync_at", "", "When everything captured was last durable on the replica, RFC 3339"},
    r.last_sync_at);
  v(kOptional, kReplicasField, r.replicas);
}

template <class V>
void fields(V& v, WaitParams& p) {
  v(kRequired, kPathField, p.path);
  v(kOptional, {"txid", "TXID", "Transaction to wait for; without it everything committed by now"}, p.txid);
  v(kOptional, kTimeoutField, p.timeout);
}

template <class V>
void fields(V& v, WaitResult& r) {
  v(kRequired, {"status", "", "`durable`"}, r.status);
  v(kRequired, kPathField, r.path);
  v(kRequired, kDurableTxidField, r.replicated_txid);
}

template <class V>
void fields(V& v, WatchParams& p) {
  v(kOptional, {"paths", "GLOB", "Databases to watch: globs over absolute paths, ** also across slashes; none = all"},
    p.paths);
  v(kOptional, {"kinds", "KIND", "Kinds of events; none = all"}, p.kinds);
  v(kOptional,
    {"from", "SEQ", "Number of the first event, 0 = the oldest remembered; without it what happens from now on"},
    p.from);
  v(kOptional, {"run", "RUN", "Run of the daemon that the number belongs to; another one is an error"}, p.run);
}

template <class V>
void fields(V& v, WatchResult& r) {
  v(kRequired, {"subscribed", "", "true"}, r.subscribed);
  v(kRequired, {"run", "", "This run of the daemon; numbers of events begin again with every run"}, r.run);
  v(kRequired, {"next", "", "Number from which on events follow"}, r.next);
}

template <class V>
void fields(V& v, EventNotice& r) {
  v(kRequired, {"seq", "", "Number of the event, from 1 in every run; filters leave gaps"}, r.seq);
  v(kRequired, {"time", "", "When it happened, RFC 3339"}, r.time);
  v(kRequired, {"kind", "", "What happened"}, r.kind);
  v(kRequired, kPathField, r.path);
  v(kOptional, {"txid", "", "Position it is about"}, r.txid);
  v(kOptional, {"level", "", "Level of the file: 1 to 8, 9 = snapshot"}, r.level);
  v(kOptional, {"code", "", "Of an error, a stable word"}, r.code);
  v(kOptional, {"detail", "", "For people"}, r.detail);
  v(kOptional, {"replica", "", "Name or URL of the replica it is about, when the database has several"}, r.replica);
}

}  // namespace control

#include "config/schema.hpp"

#include <array>

#include "config/control_schema.hpp"
#include "config/events_schema.hpp"
#include "config/section.hpp"
#include "config/store_schema.hpp"
#include "config/stores.hpp"

namespace config {

using replica::Errc;
using replica::fail;
using replica::Result;

namespace {

// Settings that only the peer has. They may stand in a replica and, as defaults for all, at the top.
constexpr std::array<std::string_view, 8> kPeerKeys{"max-sync-ltx-files", "auto-recover", "validation-interval", "age",
                                                    // Only at the top.
                                                    "mcp-addr", "verify-compaction", "validation",
                                                    // Only in logging.
                                                    "source"};

// The keys of StoreSettings, of a replica or as defaults for all.
template <class Owner>
Result<bool> read_store(const Spot& spot, std::string_view name, const Node& node, Owner& out) {
  if constexpr (std::is_same_v<decltype(out.store), StoreSettings>) {
    return read_store_key(spot, name, node, out.store);
  } else {
    return read_store_key(spot, name, node, out.store.edit());
  }
}

constexpr std::array kReplicaKeys{
    field<&ReplicaSettings::type>("type", "kind of store: file, s3, gs, sftp, webdav or nats (file)"),
    field<&ReplicaSettings::path>("path", "directory of the replica; s3, gs: in front of the keys; not with nats"),
    field<&ReplicaSettings::url>("url",
                                 "file:///DIR, s3://BUCKET/PATH, gs://BUCKET/PATH, sftp://USER@HOST/DIR, "
                                 "webdav://HOST/PATH or nats://HOST/BUCKET; instead of path"),
    field<&ReplicaSettings::sync_interval>("sync-interval", "shortest time between two uploads (1s)"),
    field<&ReplicaSettings::name>("name", "what it is called among several (its url)"),
};
constexpr Table<ReplicaSettings> kReplica{kReplicaKeys, kPeerKeys, read_store<ReplicaSettings>, store_key_names};

Result<void> read_replica(const Spot& spot, const Node& node, ReplicaSettings& out) {
  out.line = node.kind == Node::Kind::map ? node.line : spot.line;
  // First, so that a type we lack is named rather than the first of its keys. A url decides over the type.
  ReplicaSettings named;
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    if (node.items[i].kind != Node::Kind::scalar) continue;
    if (node.keys[i].name == "type") named.type = node.items[i].text;
    if (node.keys[i].name == "url") named.url = node.items[i].text;
  }
  if (auto known = kind_of(named); !known && known.error().code == Errc::unsupported)
    return fail(Errc::unsupported, std::to_string(out.line) + ": " + spot.path + ": " + known.error().message,
                known.error().hint);
  return read_section(spot, node, kReplica, out);
}

constexpr std::array kSnapshotKeys{
    field<&SnapshotSettings::interval>("interval", "time between two full snapshots (24h)"),
    field<&SnapshotSettings::retention>("retention", "how long snapshots are kept (24h)"),
};
constexpr Table<SnapshotSettings> kSnapshot{kSnapshotKeys};

Result<void> read_snapshot(const Spot& spot, const Node& node, SnapshotSettings& out) {
  return read_section(spot, node, kSnapshot, out);
}

using Db = DatabaseSettings;
constexpr std::array kDatabaseKeys{
    field<&Db::path>("path", "the database file"),
    field<&Db::meta_path>("meta-path", "directory of our local files (.NAME-litestream beside the database)"),
    field<&Db::monitor_interval>("monitor-interval", "longest time until a change is noticed (1s)"),
    field<&Db::hibernate_after>("hibernate-after",
                                "quiet time until a database is held open no longer; 0 = never (5m)"),
    field<&Db::checkpoint_interval>("checkpoint-interval", "time between checkpoints; 0 = by size only (1m)"),
    field<&Db::busy_timeout>("busy-timeout", "patience of our SQLite connection (1s)"),
    field<&Db::min_checkpoint_page_count>("min-checkpoint-page-count", "WAL pages from which to checkpoint (1000)"),
    field<&Db::truncate_page_n>("truncate-page-n",
                                "WAL pages from which writers are held for a checkpoint; < 0 = never (121359)"),
    field<&Db::max_sync_wal_bytes>("max-sync-wal-bytes", "most WAL bytes in one LTX file; 0 = no limit (67108864)"),
    field<&Db::restore_if_db_not_exists>("restore-if-db-not-exists",
                                         "restore a missing database before replicating it (false)"),
    field<&Db::enabled>("enabled", "false = register only, to be started by litestreamctl (true)"),
    field<&Db::auto_replicate>("auto-replicate", "the same as enabled (true)"),
    field<&Db::convert_to_wal>("convert-to-wal", "switch a database in another journal mode to WAL (true)"),
    Key<Db>{"snapshot", [](const Spot& s, const Node& n, Db& out) { return read_snapshot(s, n, out.snapshot); },
            "section", "stands for the global snapshot section"},
    Key<Db>{"replica",
            [](const Spot& s, const Node& n, Db& out) {
              return n.kind == Node::Kind::null ? Result<void>{} : read_replica(s, n, out.replica.emplace());
            },
            "section", "where the copy goes"},
    Key<Db>{"replicas",
            [](const Spot& s, const Node& n, Db& out) { return read_list(s, n, out.replicas, read_replica); }, "list",
            "several copies; a list of replica sections"},
    field<&Db::dir>("dir", ""),
    field<&Db::pattern>("pattern", ""),
    field<&Db::meta_dir>("meta-dir", ""),
    field<&Db::recursive>("recursive", ""),
    field<&Db::watch>("watch", ""),
};
constexpr Table<Db> kDatabase{kDatabaseKeys, kPeerKeys};

Result<void> read_database(const Spot& spot, const Node& node, Db& out) {
  out.line = node.line;
  return read_section(spot, node, kDatabase, out);
}

constexpr std::array kSocketKeys{
    field<&SocketSettings::enabled>("enabled", "open the control socket (true when path is given)"),
    field<&SocketSettings::path>("path", "the socket file (/var/run/litestream.sock)"),
    field<&SocketSettings::permissions>("permissions", "its mode (0600)"),
    field<&SocketSettings::persist_to_config>("persist-to-config",
                                              "write what is started and stopped at run time into this file (false)"),
    field<&SocketSettings::user>("user", "owner of the socket file, name or number (the daemon's)"),
    field<&SocketSettings::group>("group", "its group, name or number (the daemon's)"),
    field<&SocketSettings::allow_uids>("allow-uids", "users who may call, names or numbers; root always may (all)"),
    field<&SocketSettings::allow_gids>("allow-gids", "groups whose members may call (all)"),
    Key<SocketSettings>{
        "allow",
        [](const Spot& s, const Node& n, SocketSettings& out) { return read_list(s, n, out.allow, read_allow); },
        "list", "callers with a role of their own; the first that fits counts"},
};
constexpr Table<SocketSettings> kSocket{kSocketKeys};

// `socket: ""`, null and false all mean off.
Result<void> read_socket(const Spot& spot, const Node& node, SocketSettings& out) {
  bool on = true;
  if (node.kind == Node::Kind::scalar && (node.text.empty() || (assign(spot, node, on) && !on))) {
    out = SocketSettings();
    out.enabled = false;
    return {};
  }
  return read_section(spot, node, kSocket, out);
}

constexpr std::array kLoggingKeys{
    field<&LoggingSettings::level>("level", "trace, debug, info, warn or error (info)"),
    field<&LoggingSettings::type>("type", "text, json or pretty (text)"),
    field<&LoggingSettings::to_stderr>("stderr", "log to stderr instead of stdout (false)"),
};
constexpr Table<LoggingSettings> kLogging{kLoggingKeys, kPeerKeys};

constexpr std::array kLevelKeys{
    field<&LevelSettings::interval>("interval", "time between two compactions into this level (30s, 5m, 1h)"),
};
constexpr Table<LevelSettings> kLevel{kLevelKeys};

Result<void> read_level(const Spot& spot, const Node& node, LevelSettings& out) {
  return read_section(spot, node, kLevel, out);
}

constexpr std::array kRetentionKeys{
    field<&Config::retention_enabled>("enabled", "false = never delete from a replica (true)"),
};
constexpr Table<Config> kRetention{kRetentionKeys};

constexpr std::array kMetricsKeys{
    field<&Config::max_measured_databases>("max-databases",
                                           "databases with series of their own, failing ones first (1000)"),
};
constexpr Table<Config> kMetrics{kMetricsKeys};

// As field(), and remembers the line for errors found later.
template <auto Member>
constexpr auto global(std::string_view name, std::string_view doc) {
  Key<Config> key = field<Member>(name, doc);
  key.read = [](const Spot& spot, const Node& node, Config& out) {
    out.lines[spot.path] = spot.line;
    return assign(spot, node, out.*Member);
  };
  return key;
}

constexpr std::array kGlobalKeys{
    Key<Config>{"dbs",
                [](const Spot& s, const Node& n, Config& out) { return read_list(s, n, out.databases, read_database); },
                "list", "the databases"},
    global<&Config::addr>("addr", "HOST:PORT for /metrics and /control/ (off)"),
    Key<Config>{"socket",
                [](const Spot& s, const Node& n, Config& out) {
                  out.lines[s.path] = s.line;
                  return read_socket(s, n, out.socket);
                },
                "section", "the control socket; \"\" = off"},
    Key<Config>{"control", [](const Spot& s, const Node& n, Config& out) { return read_control(s, n, out.control); },
                "section", "who may call /control/, and how much"},
    global<&Config::max_open_databases>(
        "max-open-databases",
        "databases held open at once, others are let go of; 0 = what the limit of open files allows (0)"),
    global<&Config::exec>("exec", "command run beside replication; its end ends the daemon"),
    Key<Config>{"logging",
                [](const Spot& s, const Node& n, Config& out) {
                  out.lines[s.path] = s.line;
                  return read_section(s, n, kLogging, out.logging);
                },
                "section", "what is logged"},
    Key<Config>{"levels",
                [](const Spot& s, const Node& n, Config& out) {
                  out.lines[s.path] = s.line;
                  return read_list(s, n, out.levels, read_level);
                },
                "list", "compaction levels 1 to at most 8"},
    Key<Config>{"snapshot",
                [](const Spot& s, const Node& n, Config& out) {
                  out.lines[s.path] = s.line;
                  return read_snapshot(s, n, out.snapshot);
                },
                "section", "full snapshots"},
    global<&Config::l0_retention>("l0-retention", "how long level 0 is kept once compacted; 0 = for ever (5m)"),
    global<&Config::l0_retention_check_interval>("l0-retention-check-interval", "time between these checks (15s)"),
    Key<Config>{"retention",
                [](const Spot& s, const Node& n, Config& out) { return read_section(s, n, kRetention, out); },
                "section", "deleting from replicas"},
    Key<Config>{"metrics", [](const Spot& s, const Node& n, Config& out) { return read_section(s, n, kMetrics, out); },
                "section", "what /metrics tells"},
    global<&Config::shutdown_sync_timeout>("shutdown-sync-timeout",
                                           "patience with the last upload at the end; 0 = one attempt (30s)"),
    global<&Config::shutdown_sync_interval>("shutdown-sync-interval", "pause between these attempts (500ms)"),
    Key<Config>{"events", [](const Spot& s, const Node& n, Config& out) { return read_events(s, n, out.events); },
                "section", "what is told to others as it happens"},
    global<&Config::sync_interval>("sync-interval", "for replicas that do not say (1s)"),
    global<&Config::heartbeat_url>("heartbeat-url", ""),
    global<&Config::heartbeat_interval>("heartbeat-interval", ""),
};
constexpr Table<Config> kGlobal{kGlobalKeys, kPeerKeys, read_store<Config>, store_key_names};

}  // namespace

Result<void> read_document(const Node& document, Config& out) {
  return read_section(Spot{"", document.line}, document, kGlobal, out);
}

std::string describe_keys() {
  std::string out;
  describe<Config>(out, "Keys of the configuration file:", kGlobalKeys);
  describe<Db>(out, "\ndbs[]:", kDatabaseKeys);
  describe<ReplicaSettings>(out, "\ndbs[].replica:", kReplicaKeys);
  out += describe_store();
  describe<SocketSettings>(out, "\nsocket:", kSocketKeys);
  out += describe_control();
  describe<LoggingSettings>(out, "\nlogging:", kLoggingKeys);
  describe<SnapshotSettings>(out, "\nsnapshot:", kSnapshotKeys);
  describe<LevelSettings>(out, "\nlevels[]:", kLevelKeys);
  describe<Config>(out, "\nretention:", kRetentionKeys);
  describe<Config>(out, "\nmetrics:", kMetricsKeys);
  return out + describe_events();
}

}  // namespace config

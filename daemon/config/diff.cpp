#include "config/diff.hpp"

#include <unordered_set>

namespace config {
namespace {

struct GlobalKey {
  const char* name;
  bool (*equal)(const Config&, const Config&);
  bool live = false;  // takes effect without a restart
};

constexpr GlobalKey kGlobalKeys[] = {
    {"logging.level", [](const Config& a, const Config& b) { return a.logging.level == b.logging.level; }, true},
    {"logging",
     [](const Config& a, const Config& b) {
       return a.logging.type == b.logging.type && a.logging.to_stderr == b.logging.to_stderr;
     }},
    {"addr", [](const Config& a, const Config& b) { return a.addr == b.addr; }},
    {"socket", [](const Config& a, const Config& b) { return a.socket == b.socket; }},
    {"control", [](const Config& a, const Config& b) { return a.control == b.control; }},
    {"exec", [](const Config& a, const Config& b) { return a.exec == b.exec; }},
    {"levels", [](const Config& a, const Config& b) { return a.levels == b.levels; }},
    {"snapshot", [](const Config& a, const Config& b) { return a.snapshot == b.snapshot; }},
    {"l0-retention", [](const Config& a, const Config& b) { return a.l0_retention == b.l0_retention; }},
    {"l0-retention-check-interval",
     [](const Config& a, const Config& b) { return a.l0_retention_check_interval == b.l0_retention_check_interval; }},
    {"retention.enabled", [](const Config& a, const Config& b) { return a.retention_enabled == b.retention_enabled; }},
    {"metrics.max-databases",
     [](const Config& a, const Config& b) { return a.max_measured_databases == b.max_measured_databases; }},
    {"max-open-databases",
     [](const Config& a, const Config& b) { return a.max_open_databases == b.max_open_databases; }},
    {"events", [](const Config& a, const Config& b) { return a.events == b.events; }},
    {"shutdown-sync-timeout",
     [](const Config& a, const Config& b) { return a.shutdown_sync_timeout == b.shutdown_sync_timeout; }},
    {"shutdown-sync-interval",
     [](const Config& a, const Config& b) { return a.shutdown_sync_interval == b.shutdown_sync_interval; }},
};

void forget_place(ReplicaSettings& replica) {
  replica.line = 0;
  for (std::string* way : {&replica.url, &replica.path})
    way->clear();  // `root`, `key_prefix` and `location` are what they mean
}

void forget_place(DatabaseSettings& settings) {
  settings.line = 0;
  settings.enabled = settings.auto_replicate = true;
  if (settings.replica) forget_place(*settings.replica);
  for (ReplicaSettings& one : settings.replicas) forget_place(one);
}

}  // namespace

bool Diff::empty() const noexcept {
  return added.empty() && removed.empty() && modified.empty() && switched.empty() && applied.empty() &&
         needs_restart.empty();
}

bool same_settings(DatabaseSettings a, DatabaseSettings b) {
  forget_place(a);
  forget_place(b);
  return a == b;
}

Diff diff(const Config& current, const Remembered& known_databases, const Config& next) {
  Diff out;
  std::unordered_set<std::string_view> wanted;
  for (const DatabaseSettings& settings : next.databases) {
    wanted.insert(settings.path);
    const auto known = known_databases.find(settings.path);
    if (!known) {
      out.added.push_back(settings.path);
    } else if (!same_settings(*known, settings)) {
      out.modified.push_back(settings.path);
    } else if (known->starts_by_itself() != settings.starts_by_itself()) {
      out.switched.push_back(settings.path);
    }
  }
  for (std::string& path : known_databases.paths())
    if (!wanted.contains(path)) out.removed.push_back(std::move(path));
  for (const GlobalKey& key : kGlobalKeys)
    if (!key.equal(current, next)) (key.live ? out.applied : out.needs_restart).emplace_back(key.name);
  return out;
}

Diff diff(const Config& current, const Config& next) { return diff(current, Remembered(current.databases), next); }

}  // namespace config

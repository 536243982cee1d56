#include <vector>

#include "config/scalar.hpp"
#include "config/store_schema.hpp"
#include "config/yaml_edit.hpp"

namespace config {
namespace {

const char* word(bool value) { return value ? "true" : "false"; }

using Lines = std::vector<std::pair<std::string, std::string>>;  // key, value

Lines entry_lines(const DatabaseSettings& settings, bool enabled) {
  const DatabaseSettings standard;
  Lines out;
  const auto time = [&](const char* key, Duration DatabaseSettings::* which) {
    if (settings.*which != standard.*which) out.emplace_back(key, format_duration(settings.*which));
  };
  const auto number = [&](const char* key, auto which) {
    if (settings.*which != standard.*which) out.emplace_back(key, std::to_string(settings.*which));
  };
  out.emplace_back("path", quoted_text(settings.path));
  out.emplace_back("enabled", word(enabled));
  if (!settings.meta_path.empty()) out.emplace_back("meta-path", quoted_text(settings.meta_path));
  time("monitor-interval", &DatabaseSettings::monitor_interval);
  time("hibernate-after", &DatabaseSettings::hibernate_after);
  time("checkpoint-interval", &DatabaseSettings::checkpoint_interval);
  time("busy-timeout", &DatabaseSettings::busy_timeout);
  number("min-checkpoint-page-count", &DatabaseSettings::min_checkpoint_page_count);
  number("truncate-page-n", &DatabaseSettings::truncate_page_n);
  number("max-sync-wal-bytes", &DatabaseSettings::max_sync_wal_bytes);
  if (settings.restore_if_db_not_exists) out.emplace_back("restore-if-db-not-exists", "true");
  if (!settings.convert_to_wal) out.emplace_back("convert-to-wal", "false");
  return out;
}

Lines replica_lines(const ReplicaSettings& replica) {
  Lines out;
  if (!replica.name.empty()) out.emplace_back("name", quoted_text(replica.name));
  if (replica.type.empty() || replica.type == "file") {
    out.emplace_back("path", quoted_text(replica.root));
  } else {
    // For the peer the address is all that names a server of NATS.
    const bool by_url = replica.type == "nats";
    if (by_url) {
      out.emplace_back("url", quoted_text(replica.location));
    } else {
      out.emplace_back("type", replica.type);
      out.emplace_back("path", quoted_text(replica.key_prefix.substr(0, replica.key_prefix.size() - 1)));
    }
    for (const StoreValue& value : open_values(replica.store))
      if (!by_url || (value.key != "host" && value.key != "bucket"))
        out.emplace_back(value.key, value.quoted ? quoted_text(value.text) : value.text);
  }
  if (replica.sync_interval) out.emplace_back("sync-interval", format_duration(*replica.sync_interval));
  return out;
}

std::string joined(const Lines& lines, const std::string& separator) {
  std::string out;
  for (const auto& [key, value] : lines) {
    if (!out.empty()) out += separator;
    out.append(key).append(": ").append(value);
  }
  return out;
}

}  // namespace

std::string entry_text(const DatabaseSettings& settings, bool enabled, const std::string& indent) {
  std::string out = joined(entry_lines(settings, enabled), "\n" + indent);
  if (!settings.replica) return out;
  const std::string deeper = "\n" + indent + "  ";
  if (!settings.replicas.empty()) {
    out += "\n" + indent + "replicas:";
    for (const ReplicaSettings* one : settings.all_replicas())
      out += deeper + "- " + joined(replica_lines(*one), deeper + "  ");
    return out;
  }
  return out + "\n" + indent + "replica:" + deeper + joined(replica_lines(*settings.replica), deeper);
}

std::string flow_entry_text(const DatabaseSettings& settings, bool enabled) {
  std::string out = "{" + joined(entry_lines(settings, enabled), ", ");
  if (!settings.replicas.empty()) {
    out += ", replicas: [";
    for (const ReplicaSettings* one : settings.all_replicas())
      out += (one == &*settings.replica ? "{" : ", {") + joined(replica_lines(*one), ", ") + "}";
    return out + "]}";
  }
  if (settings.replica) out += ", replica: {" + joined(replica_lines(*settings.replica), ", ") + "}";
  return out + "}";
}

}  // namespace config

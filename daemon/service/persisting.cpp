#include "service/answers.hpp"
#include "service/service.hpp"

namespace litestreamd {

using control::fail;
using control::Result;
using replica::Errc;

Result<void> Service::persist(const std::optional<bool>& wanted, const config::Change& change, const std::string& path,
                              std::string_view done) {
  if (!wanted.value_or(info_.persist_to_config) || info_.config_path.empty()) return {};
  const std::lock_guard lock(persisting_);
  const auto written = config::persist(info_.config_path, change, load_, config_file_);
  if (written) return {};
  const replica::Error& e = written.error();
  logger_.log(replica::LogLevel::error, "cannot write to the configuration file",
              {{"path", path}, {"file", info_.config_path}, {"error", e.message}});
  const bool changed_meanwhile = e.code == Errc::precondition_failed;
  return fail(error(std::string(done) + ", but " + info_.config_path + " could not be changed: " + e.message,
                    changed_meanwhile ? "config_changed" : "persist_failed", e.hint));
}

Result<void> Service::persist_enabled(const std::optional<bool>& wanted, const std::string& path, bool enabled) {
  std::optional<config::DatabaseSettings> added;
  {
    const std::lock_guard lock(registering_);
    if (const auto found = added_.find(path); found != added_.end()) added = found->second;
  }
  return persist(wanted, config::SetEnabled{path, enabled, added ? &*added : nullptr}, path,
                 enabled ? "started" : "stopped");
}

}  // namespace litestreamd

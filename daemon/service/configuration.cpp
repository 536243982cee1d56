// config.validate, config.diff, config.reload (also SIGHUP) and log.level.
#include "config/diff.hpp"
#include "service/answers.hpp"
#include "service/service.hpp"

namespace litestreamd {

using control::fail;
using control::Result;
using replica::LogLevel;

namespace {

control::ConfigDiff to_wire(config::Diff diff) {
  return {.added = std::move(diff.added),
          .removed = std::move(diff.removed),
          .modified = std::move(diff.modified),
          .switched = std::move(diff.switched),
          .applied = std::move(diff.applied),
          .needs_restart = std::move(diff.needs_restart)};
}

// What was in force before for those databases that could not follow, so that the next reload tries them again.
void keep_failed(config::Config& next, const config::Config& before, const std::vector<std::string>& failed) {
  for (const std::string& path : failed) {
    std::erase_if(next.databases, [&](const config::DatabaseSettings& db) { return db.path == path; });
    if (const config::DatabaseSettings* old = before.find(path)) next.databases.push_back(*old);
  }
}

}  // namespace

Result<config::Config> Service::read_config(const std::optional<std::string>& file) const {
  if (!file && info_.config_path.empty())
    return fail(error("no configuration file is in use", "no_config", "name one"));
  auto loaded = config::load(file.value_or(info_.config_path), load_);
  if (!loaded)
    return fail(error("failed to load config: " + loaded.error().message, "invalid_config", loaded.error().hint));
  return std::move(*loaded);
}

Result<control::ValidateResult> Service::validate_config(const control::ConfigParams& params, const control::Call&) {
  const auto config = read_config(params.config);
  if (!config) return fail(config.error());
  return control::ValidateResult{.config = config->file, .databases = config->databases.size()};
}

Result<control::ConfigDiff> Service::diff_config(const control::ConfigParams& params, const control::Call&) {
  const auto next = read_config(params.config);
  if (!next) return fail(next.error());
  const std::lock_guard lock(registering_);
  return to_wire(config::diff(loaded_, *next));
}

Result<void> Service::open(const std::string& path) {
  const auto started = replicator_.start(path, false);
  if (!started && started.error().code != replica::Errc::already_exists) return fail(other("", started.error()));
  return {};
}

Result<void> Service::forget(const std::string& path, const replica::Call& call) {
  const auto removed = replicator_.remove(path, call);
  if (!removed && removed.error().code != replica::Errc::not_found) return fail(other("", removed.error()));
  added_.erase(path);
  return {};
}

// What cannot be uploaded as things are, perhaps because of the very settings that have changed, goes up with the new
// ones: it lies in the local store.
Result<void> Service::forget_for_change(const std::string& path, const replica::Call& call) {
  Result<void> forgotten = forget(path, call);
  const auto status = replicator_.status(path);
  if (forgotten || !status || status->state != replica::DatabaseState::closed) return forgotten;
  logger_.log(LogLevel::warn, "the last upload with the old settings failed",
              {{"path", path}, {"error", forgotten.error().message}});
  return forget(path, call);
}

Result<void> Service::register_anew(const config::DatabaseSettings& settings, const replica::Call& call) {
  const auto before = replicator_.status(settings.path);
  const config::DatabaseSettings* old = loaded_.find(settings.path);
  const auto by_call = added_.find(settings.path);
  if (before && by_call != added_.end() && config::same_settings(by_call->second, settings)) return {};
  // Closed by hand it stays closed, unless the file now says otherwise.
  const bool stays_closed = before && before->state == replica::DatabaseState::closed && old != nullptr &&
                            old->starts_by_itself() == settings.starts_by_itself();
  auto database = config::database_config(settings, decorate_);
  if (before)
    if (auto r = forget_for_change(settings.path, call); !r) return r;
  if (auto added = replicator_.add(std::move(database)); !added) return fail(other("", added.error()));
  if (stays_closed || !settings.starts_by_itself()) return {};
  return open(settings.path);
}

Result<void> Service::switch_to(const config::DatabaseSettings& settings, const replica::Call& call) {
  if (settings.starts_by_itself()) return open(settings.path);
  const auto stopped = replicator_.stop(settings.path, call);
  if (!stopped && stopped.error().code != replica::Errc::precondition_failed) return fail(other("", stopped.error()));
  return {};
}

Result<control::ReloadResult> Service::reload_config(const control::ReloadParams& params, const control::Call& call) {
  if (closing_) return fail(shutting_down());
  if (reload_credentials_ && !params.safety.dry_run) reload_credentials_();
  auto next = read_config({});
  if (!next) return fail(next.error());
  const std::lock_guard lock(registering_);
  const config::Diff diff = config::diff(loaded_, *next);
  control::ReloadResult result{.diff = to_wire(diff), .change = {.changed = !diff.empty()}};
  if (params.safety.dry_run) {
    result.change.dry_run = true;
    return result;
  }
  config_file_.note_loaded(*next);
  std::vector<std::string> failed;
  std::optional<control::Error> first;
  const auto each = [&](const std::vector<std::string>& paths, const auto& step) {
    for (const std::string& path : paths) {
      Result<void> done = step(path);
      if (done) continue;
      logger_.log(LogLevel::error, "cannot take over the configuration",
                  {{"path", path}, {"error", done.error().message}});
      failed.push_back(path);
      if (!first) first = std::move(done.error());
    }
  };
  const replica::Call inner = call_of(call);
  each(diff.removed, [&](const std::string& path) { return forget(path, inner); });
  each(diff.modified, [&](const std::string& path) { return register_anew(*next->find(path), inner); });
  each(diff.added, [&](const std::string& path) { return register_anew(*next->find(path), inner); });
  each(diff.switched, [&](const std::string& path) { return switch_to(*next->find(path), inner); });
  logger_.set_level(effective_level(next->logging, log_level_, load_.environment));
  for (const std::string& key : diff.needs_restart)
    logger_.log(LogLevel::warn, "takes effect at the next start", {{"key", key}});
  keep_failed(*next, loaded_, failed);
  loaded_.databases = std::move(next->databases);
  loaded_.logging.level = next->logging.level;  // the other keys are as they were at the start
  logger_.log(LogLevel::info, "configuration reloaded",
              {{"config", loaded_.file},
               {"added", std::to_string(diff.added.size())},
               {"removed", std::to_string(diff.removed.size())},
               {"modified", std::to_string(diff.modified.size())},
               {"switched", std::to_string(diff.switched.size())}});
  if (first)
    return fail(error("reloaded, but not for " + failed.front() + ": " + first->message, "reload_failed", first->hint,
                      first->retryable));
  return result;
}

Result<control::LogLevelResult> Service::log_level(const control::LogLevelParams& params, const control::Call&) {
  control::LogLevelResult result{.level = std::string(level_name(logger_.level())), .change = {.changed = false}};
  if (params.safety.dry_run) result.change.dry_run = true;
  if (!params.level) return result;
  const LogLevel wanted = parse_level(*params.level);
  if (level_name(wanted) != *params.level)
    return fail(control::invalid_params("level must be trace, debug, info, warn or error"));
  result.change.changed = wanted != logger_.level();
  if (params.safety.dry_run) return result;
  logger_.set_level(wanted);
  result.level = *params.level;
  return result;
}

}  // namespace litestreamd

// config.validate, config.diff and log.level.
#include "config/diff.hpp"
#include "service/answers.hpp"
#include "service/service.hpp"

namespace litestreamd {

using control::fail;
using control::Result;
using replica::LogLevel;

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
  return wire_diff(config::diff(loaded_, known_, *next));
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

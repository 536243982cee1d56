#include "methods/call.hpp"
#include "methods/table.hpp"

namespace control {

namespace json = boost::json;

namespace {

constexpr ErrorDoc kInvalidConfig{code::kApplication, "failed to load config: <detail>", "invalid_config"};
constexpr ErrorDoc kNoConfig{code::kApplication, "no configuration file is in use", "no_config"};

}  // namespace

Method validate_config_method() {
  return {
      .name = "config.validate",
      .alias = {},
      .summary = "Check a configuration file.",
      .params = describe<ConfigParams>(),
      .result = describe<ValidateResult>(),
      .role = Role::admin,  // what is wrong with a file tells of its content
      .errors = {kInvalidConfig, kNoConfig},
      .example_params = R"({"config": "/etc/litestream.yml"})",
      .example_result = R"({"status": "valid", "config": "/etc/litestream.yml", "databases": 2})",
      .invoke =
          [](Service& s, const json::object& p, const Arrival& a) {
            return call<ConfigParams, &Service::validate_config>(s, p, a, "config.validate");
          },
  };
}

Method diff_config_method() {
  return {
      .name = "config.diff",
      .alias = {},
      .summary = "Say what a configuration file would change in the running daemon.",
      .params = describe<ConfigParams>(),
      .result = describe<ConfigDiff>(),
      .role = Role::admin,
      .errors = {kInvalidConfig, kNoConfig},
      .example_params = R"({"config": "/etc/litestream.yml.new"})",
      .example_result = R"({"added": ["/data/new.db"], "removed": [], "modified": [], "switched": [], )"
                        R"("applied": ["logging.level"], "needs_restart": ["addr"]})",
      .invoke = [](Service& s, const json::object& p,
                   const Arrival& a) { return call<ConfigParams, &Service::diff_config>(s, p, a, "config.diff"); },
  };
}

Method reload_config_method() {
  return {
      .name = "config.reload",
      .alias = {},
      .summary =
          "Take over the configuration file as it is now, like SIGHUP. Databases that it leaves as they were go on.",
      .params = describe<ReloadParams>(),
      .result = describe<ReloadResult>(),
      .role = Role::admin,
      .pace = Pace::waits,
      .errors = {kInvalidConfig,
                 kNoConfig,
                 {code::kApplication, "reloaded, but not for <path>: <detail>", "reload_failed"},
                 {code::kTimeout, "timeout waiting for config.reload", "timed_out"}},
      .example_params = R"({"dry_run": true})",
      .example_result = R"({"status": "reloaded", "added": [], "removed": ["/data/old.db"], "modified": [], )"
                        R"("switched": [], "applied": [], "needs_restart": [], "changed": true, "dry_run": true})",
      .invoke = [](Service& s, const json::object& p,
                   const Arrival& a) { return call<ReloadParams, &Service::reload_config>(s, p, a, "config.reload"); },
  };
}

Method log_level_method() {
  return {
      .name = "log.level",
      .alias = {},
      .summary = "Tell or set what is logged, until the next start or reload.",
      .params = describe<LogLevelParams>(),
      .result = describe<LogLevelResult>(),
      .role = Role::operate,
      .errors = {{code::kInvalidParams, "level must be trace, debug, info, warn or error", "invalid_params"}},
      .example_params = R"({"level": "debug"})",
      .example_result = R"({"level": "debug", "changed": true})",
      .invoke = [](Service& s, const json::object& p,
                   const Arrival& a) { return call<LogLevelParams, &Service::log_level>(s, p, a, "log.level"); },
  };
}

}  // namespace control

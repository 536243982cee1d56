#include "source.hpp"

#include "config/build.hpp"
#include "config/paths.hpp"
#include "config/stores.hpp"
#include "replica/local_state.hpp"

namespace litestreamctl {

tl::expected<config::Config, Problem> load_config(const cli::Arguments& args) {
  config::LoadOptions options;
  options.expand_environment = !args.is_on("no-expand-env");
  auto loaded = config::load(config::config_path(args.value("config"), options.environment), options);
  if (!loaded) return problem(loaded.error());
  return std::move(*loaded);
}

std::string local_state_of(const config::DatabaseSettings& database) {
  return database.meta_path.empty() ? replica::default_meta_path(database.path) : database.meta_path;
}

tl::expected<Place, Problem> find_place(const std::string& argument, const cli::Arguments& args) {
  const bool is_database = argument.starts_with("sqlite://") || argument.starts_with("sqlite3://");
  if (config::is_url(argument) && !is_database) {
    if (args.has("config")) return misuse("cannot specify a replica URL and the -config flag");
    auto settings = config::replica_at(argument);
    if (!settings) return problem(settings.error());
    return Place{"", std::move(*settings)};
  }
  auto path = config::absolute_path(argument);
  if (!path) return misuse(path.error().message);
  const auto config = load_config(args);
  if (!config) return tl::unexpected(config.error());
  const config::DatabaseSettings* settings = config->find(*path);
  if (settings == nullptr)
    return tl::unexpected(Problem{"database not found in config: " + *path, "see " + config->file});
  if (!settings->replica) return tl::unexpected(Problem{"database has no replica configured: " + *path});
  return Place{*path, *settings->replica};
}

tl::expected<Source, Problem> open_source(const std::string& argument, const cli::Arguments& args) {
  auto place = find_place(argument, args);
  if (!place) return tl::unexpected(place.error());
  return Source{place->database, place->settings.location, config::open_replica(place->settings)};
}

}  // namespace litestreamctl

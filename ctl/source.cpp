#include "source.hpp"

#include <iostream>

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

namespace {

bool is_called(const config::ReplicaSettings& replica, const std::string& wanted) {
  return wanted == replica.name || wanted == replica.location || wanted == replica.url;
}

}  // namespace

tl::expected<std::vector<Place>, Problem> find_places(const std::string& argument, const cli::Arguments& args) {
  const bool is_database = argument.starts_with("sqlite://") || argument.starts_with("sqlite3://");
  if (config::is_url(argument) && !is_database) {
    if (args.has("config")) return misuse("cannot specify a replica URL and the -config flag");
    auto settings = config::replica_at(argument);
    if (!settings) return problem(settings.error());
    return std::vector<Place>{{"", std::move(*settings)}};
  }
  auto path = config::absolute_path(argument);
  if (!path) return misuse(path.error().message);
  const auto config = load_config(args);
  if (!config) return tl::unexpected(config.error());
  const config::DatabaseSettings* settings = config->find(*path);
  if (settings == nullptr)
    return tl::unexpected(Problem{"database not found in config: " + *path, "see " + config->file});
  if (!settings->replica) return tl::unexpected(Problem{"database has no replica configured: " + *path});
  std::vector<Place> places;
  for (const config::ReplicaSettings* one : settings->all_replicas())
    if (!args.has("replica") || is_called(*one, args.value("replica"))) places.push_back({*path, *one});
  if (places.empty())
    return tl::unexpected(Problem{"database has no replica called " + args.value("replica"), "see " + config->file});
  return places;
}

tl::expected<Place, Problem> find_place(const std::string& argument, const cli::Arguments& args) {
  auto places = find_places(argument, args);
  if (!places) return tl::unexpected(places.error());
  if (places->size() > 1)
    return tl::unexpected(Problem{"database has several replicas: " + argument, "name one with -replica"});
  return std::move(places->front());
}

tl::expected<std::vector<Source>, Problem> open_sources(const std::string& argument, const cli::Arguments& args) {
  const auto places = find_places(argument, args);
  if (!places) return tl::unexpected(places.error());
  std::vector<Source> sources;
  for (const Place& place : *places)
    sources.push_back({place.database, place.settings.location, config::open_replica(place.settings)});
  return sources;
}

std::vector<replica::Replica> replicas_of(const std::vector<Source>& sources) {
  std::vector<replica::Replica> replicas;
  for (const Source& source : sources) replicas.push_back(source.replica);
  return replicas;
}

void warn_of(const Source& source, const replica::Error& error) {
  std::cerr << "warning: replica " << source.location << ": " << error.message << "\n";
}

tl::expected<Source, Problem> best_source(const std::vector<Source>& sources, const replica::RestoreTarget& target,
                                          const replica::Call& call) {
  if (sources.size() == 1) return sources.front();
  const replica::Ranking ranking = replica::rank_replicas(replicas_of(sources), target, call);
  if (ranking.order.empty() && ranking.empty.empty()) return problem(ranking.failed.front().second);
  for (const auto& [number, error] : ranking.failed) warn_of(sources[number], error);
  return sources[ranking.order.empty() ? ranking.empty.front().first : ranking.order.front().first];
}

tl::expected<Source, Problem> open_source(const std::string& argument, const cli::Arguments& args) {
  const auto sources = open_sources(argument, args);
  if (!sources) return tl::unexpected(sources.error());
  return best_source(*sources, {}, {});
}

}  // namespace litestreamctl

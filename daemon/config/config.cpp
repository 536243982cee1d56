#include "config/config.hpp"

#include <algorithm>

#include "config/known_file.hpp"
#include "config/load.hpp"
#include "config/paths.hpp"
#include "config/replace_file.hpp"
#include "config/schema.hpp"

namespace config {

using replica::Error;
using replica::Result;

const DatabaseSettings* Config::find(std::string_view path) const noexcept {
  const auto found =
      std::find_if(databases.begin(), databases.end(), [&](const DatabaseSettings& db) { return db.path == path; });
  return found == databases.end() ? nullptr : &*found;
}

std::string config_path(const std::string& flag, const Environment& environment) {
  if (!flag.empty()) return flag;
  const auto named = environment("LITESTREAM_CONFIG");
  return named && !named->empty() ? *named : kDefaultPath;
}

Result<Config> load(const std::string& path, const LoadOptions& options) {
  const auto absolute = absolute_path(path);
  if (!absolute) return tl::unexpected(absolute.error());
  auto text = read_file(*absolute);
  if (!text) return replica::pass(text);
  auto config = parse(options.expand_environment ? expand_environment(*text, options.environment) : *text, *absolute);
  if (config) config->content = content_id(*text);
  return config;
}

Result<Config> parse(const std::string& text, const std::string& file) {
  Config config;
  config.file = file;
  const auto in_file = [&](Error error) {
    error.message.insert(0, file + ":");
    return replica::Failure(std::move(error));
  };
  {
    const auto document = parse_yaml(text);
    if (!document) return in_file(document.error());
    if (auto r = read_document(*document, config); !r) return in_file(r.error());
  }
  if (auto r = complete(config); !r) return replica::pass(r);
  return config;
}

Result<Config> from_arguments(const std::string& database, const std::string& replica_url) {
  Config config;
  DatabaseSettings& db = config.databases.emplace_back();
  db.path = database;
  db.replica.emplace().url = replica_url;
  if (auto r = complete(config); !r) return replica::pass(r);
  return config;
}

}  // namespace config

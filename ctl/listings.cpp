#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "output.hpp"
#include "replica/replicator.hpp"
#include "source.hpp"

namespace litestreamctl {

namespace json = boost::json;
using replica::Level;

namespace {

std::string seconds_text(replica::Timestamp time) {
  return replica::to_rfc3339(std::chrono::floor<std::chrono::seconds>(time));
}

Outcome run_databases(const cli::Arguments& args) {
  if (!args.positional().empty()) return misuse("too many arguments");
  const auto config = load_config(args);
  if (!config) return tl::unexpected(config.error());
  json::array array;
  std::vector<std::vector<std::string>> rows{{"path", "replica"}};
  for (const config::DatabaseSettings& db : config->databases) {
    std::string type;
    for (const config::ReplicaSettings* one : db.all_replicas()) type += (type.empty() ? "" : ",") + one->type;
    array.push_back(json::object{{"path", db.path}, {"replica", type}});
    rows.push_back({db.path, type});
  }
  return printed(args.is_on("json") ? pretty(array) : table(rows));
}

// 0…9, or all of them.
tl::expected<std::vector<Level>, Problem> levels_of(const std::string& text) {
  if (text.empty()) return std::vector<Level>{0};
  if (text == "all") {
    std::vector<Level> all;
    for (Level level = 0; level <= replica::kSnapshotLevel; ++level) all.push_back(level);
    return all;
  }
  if (text.size() == 1 && text[0] >= '0' && text[0] <= '9') return std::vector<Level>{text[0] - '0'};
  const bool number = text.find_first_not_of("0123456789", text[0] == '-' ? 1 : 0) == std::string::npos;
  return misuse("invalid value \"" + text + "\" for flag -level: " +
                (number && text != "-" ? "level must be between 0 and 9" : "invalid level: must be 0-9 or \"all\""));
}

Outcome run_ltx(const cli::Arguments& args) {
  const auto levels = levels_of(args.value("level"));
  if (!levels) return tl::unexpected(levels.error());
  if (args.positional().empty())
    return misuse("database path or replica URL required", "litestreamctl ltx /path/to/db");
  if (args.positional().size() > 1) return misuse("too many arguments");
  const auto source = open_source(args.positional().front(), args);
  if (!source) return tl::unexpected(source.error());
  json::array array;
  std::vector<std::vector<std::string>> rows{{"level", "min_txid", "max_txid", "size", "created"}};
  for (const Level level : *levels) {
    const auto files = source->replica.list(level, replica::TxId{1}, {});
    if (!files) return problem(files.error());
    for (const replica::LtxFileInfo& file : *files) {
      const std::string min = file.range.min.text(), max = file.range.max.text(),
                        created = seconds_text(file.created_at);
      array.push_back(json::object{
          {"level", level}, {"min_txid", min}, {"max_txid", max}, {"size", file.size}, {"timestamp", created}});
      rows.push_back({std::to_string(level), min, max, std::to_string(file.size), created});
    }
  }
  return printed(args.is_on("json") ? pretty(array) : table(rows));
}

Outcome run_version(const cli::Arguments& args) {
  if (!args.positional().empty()) return misuse("too many arguments");
  const std::string version(cli::kVersion);
  if (!args.is_on("verbose")) return printed(version + "\n");
  const replica::SqliteInfo sqlite = replica::sqlite_info();
  return printed("Version:  " + version + "\nSQLite:   " + sqlite.version + "\nCompiler: " + __VERSION__ + "\n");
}

}  // namespace

Verb databases_verb() {
  return {"databases",
          "",
          "List the databases of the configuration file.",
          {kConfigFlag, kNoExpandFlag, kJsonFlag},
          run_databases};
}

Verb ltx_verb() {
  return {"ltx",
          "DB_PATH|REPLICA_URL",
          "List the LTX files of a replica.",
          {{"level", "LEVEL", "0 to 9, or all", "0"}, kReplicaFlag, kConfigFlag, kNoExpandFlag, kJsonFlag},
          run_ltx};
}

Verb version_verb() {
  return {"version", "", "Print the version.", {{"verbose", "", "with the libraries in use"}}, run_version};
}

}  // namespace litestreamctl

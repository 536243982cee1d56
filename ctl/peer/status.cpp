// status: what is known locally of the databases of the configuration file, without a daemon.
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "config/config.hpp"
#include "output.hpp"
#include "peer/command.hpp"
#include "replica/types.hpp"
#include "source.hpp"

namespace litestreamctl::peer {

namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

// "1.2 MB": decimal units, one digit behind the point below ten.
std::string size_text(std::uint64_t bytes) {
  constexpr std::array<const char*, 7> kUnits{"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  if (bytes < 10) return std::to_string(bytes) + " B";
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1000; ++unit) value /= 1000;
  value = std::floor(value * 10 + 0.5) / 10;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), value < 10 ? "%.1f %s" : "%.0f %s", value, kUnits.at(unit));
  return text.data();
}

// The end of the newest local level-0 file; 0 when there is none.
tl::expected<replica::TxId, std::error_code> local_txid(const std::string& meta) {
  std::error_code error;
  fs::directory_iterator files(fs::path(meta) / "ltx" / "0", error);
  if (error == std::errc::no_such_file_or_directory) return replica::TxId{};
  replica::TxId newest;
  for (; !error && files != fs::directory_iterator(); files.increment(error)) {
    const std::string name = files->path().filename().string();  // MIN-MAX.ltx
    if (name.size() != 37 || name[16] != '-' || !name.ends_with(".ltx")) continue;
    if (const auto max = replica::TxId::parse(name.substr(17, 16)); max && *max > newest) newest = *max;
  }
  if (error) return tl::unexpected(error);
  return newest;
}

struct Row {
  std::string database, status, txid = "-", wal = "-";
};

Row row_of(const config::DatabaseSettings& db) {
  Row row{.database = db.path, .status = "no database"};
  std::error_code error;
  if (!fs::exists(db.path, error)) return row;
  const auto wal = fs::file_size(db.path + "-wal", error);
  row.wal = size_text(error ? 0 : wal);
  const auto txid = local_txid(local_state_of(db));
  row.status = !txid ? "error" : *txid ? "ok" : "not initialized";
  if (txid && *txid) row.txid = txid->text();
  return row;
}

Outcome run_status(const Arguments& args) {
  config::LoadOptions options;
  options.expand_environment = !args.is_on("no-expand-env");
  const auto config = config::load(config::config_path(args.value("config"), options.environment), options);
  if (!config) return refuse(config.error().message);
  json::array array;
  std::vector<std::vector<std::string>> rows{{"database", "status", "local txid", "wal size"}};
  for (const config::DatabaseSettings& db : config->databases) {
    if (!args.positional().empty() && args.positional().front() != db.path) continue;
    const Row row = row_of(db);
    array.push_back(json::object{
        {"database", row.database}, {"status", row.status}, {"local_txid", row.txid}, {"wal_size", row.wal}});
    rows.push_back({row.database, row.status, row.txid, row.wal});
  }
  return printed(args.is_on("json") ? json_text(array) : table(rows));
}

}  // namespace

Command status_command() {
  return {"status",
          "[DB_PATH]",
          "Show the local state of the databases of the configuration file.",
          {kConfig, kNoExpandEnv, kJson},
          run_status};
}

}  // namespace litestreamctl::peer

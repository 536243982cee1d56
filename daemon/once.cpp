#include <unistd.h>

#include <iostream>

#include "cli/flags.hpp"
#include "config/build.hpp"
#include "daemon.hpp"
#include "log_sink.hpp"

namespace litestreamd {

using replica::Errc;
using replica::fail;
using replica::Result;

namespace {

int refuse(const replica::Error& error) {
  std::cerr << cli::describe(error);
  return EXIT_FAILURE;
}

// Captures and uploads the one database.
Result<void> sync_once(replica::Replicator& replicator, const config::DatabaseSettings& database,
                       const DaemonOptions& options) {
  const std::string& path = database.path;
  if (!database.restore_if_db_not_exists && ::access(path.c_str(), F_OK) != 0)
    return fail(Errc::not_found, "sync replica for " + path + ": no position, waiting for data",
                "the database file does not exist");
  if (auto r = replicator.start(path, false); !r) return r;
  auto synced = replicator.sync(path, true);
  if (!synced) return replica::pass(synced, "sync replica for " + path);
  if (!synced->txid) return fail(Errc::not_found, "sync replica for " + path + ": no position, waiting for data");
  if (options.force_snapshot)
    if (auto written = replicator.snapshot(path); !written) return replica::pass(written, "snapshot of " + path);
  if (options.enforce_retention)
    if (auto r = replicator.enforce_retention(path); !r) return replica::pass(r, "retention of " + path);
  auto stopped = replicator.stop(path);
  if (!stopped) return replica::pass(stopped, "sync replica for " + path);
  return {};
}

}  // namespace

int run_once(const DaemonOptions& options) {
  const auto log = make_log_sink(options.config.logging, options.log_level, options.load.environment);
  auto settings = config::replicator_options(options.config);
  settings.logger = log.get();
  settings.maintain = false;
  replica::Replicator replicator(std::move(settings));
  int status = EXIT_SUCCESS;
  for (const config::DatabaseSettings& database : options.config.databases) {
    if (!database.starts_by_itself()) continue;
    Result<void> done = replicator.add(config::database_config(database));
    if (done) done = sync_once(replicator, database, options);
    if (!done) status = refuse(done.error());
  }
  return status;
}

}  // namespace litestreamd

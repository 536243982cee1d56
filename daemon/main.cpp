#include <array>
#include <exception>
#include <iostream>

#include "cli/flags.hpp"
#include "config/paths.hpp"
#include "daemon.hpp"
#include "heap.hpp"
#include "manual.hpp"
#include "replica/replicator.hpp"

namespace {

using replica::Errc;
using replica::fail;
using replica::Result;

constexpr int kUsageError = 2;

constexpr std::array kFlags{
    cli::Flag{"config", "PATH", "configuration file (LITESTREAM_CONFIG, else /etc/litestream.yml)"},
    cli::Flag{"exec", "CMD", "run CMD beside replication; its end ends the daemon, with its exit status"},
    cli::Flag{"once", "", "capture and upload every database one time, then exit"},
    cli::Flag{"force-snapshot", "", "with -once: write a full snapshot of every database too"},
    cli::Flag{"enforce-retention", "", "with -once: remove what retention does not keep, of every database"},
    cli::Flag{"log-level", "LEVEL", "trace, debug, info, warn or error"},
    cli::Flag{"restore-if-db-not-exists", "", "restore a missing database before replicating it"},
    cli::Flag{"no-expand-env", "", "leave $NAME in the configuration file as it is"},
    cli::Flag{"help-config", "", "list the keys of the configuration file"},
    cli::Flag{"help-man", "", "print the manual page: litestreamd -help-man | man -l -"},
    cli::Flag{"version", "", "print the version"},
};

constexpr cli::Usage kUsage{
    "litestreamd", "[DB_PATH REPLICA_URL]",
    "Replicates SQLite databases as they change. With a path and a URL, that database only, without a\n"
    "configuration file.",
    kFlags};

Result<void> check_combination(const cli::Arguments& args) {
  const auto& words = args.positional();
  const auto refuse = [](std::string message, std::string hint = {}) {
    return fail(Errc::invalid_argument, std::move(message), std::move(hint));
  };
  if (words.size() == 1)
    return refuse("must specify at least one replica URL for " + words[0],
                  "litestreamd " + words[0] + " file:///path/to/replica");
  if (words.size() > 2) return refuse("multiple replicas on a single database are no longer supported");
  if (!words.empty() && args.has("config")) return refuse("cannot specify a replica URL and the -config flag");
  if (args.is_on("once") && args.has("exec")) return refuse("cannot specify -once flag with -exec");
  for (const char* flag : {"force-snapshot", "enforce-retention"})
    if (args.is_on(flag) && !args.is_on("once"))
      return refuse("cannot specify -" + std::string(flag) + " flag without -once");
  return {};
}

Result<litestreamd::DaemonOptions> options_from(const cli::Arguments& args) {
  litestreamd::DaemonOptions options;
  options.load.expand_environment = !args.is_on("no-expand-env");
  options.log_level = args.value("log-level");
  options.force_snapshot = args.is_on("force-snapshot");
  options.enforce_retention = args.is_on("enforce-retention");
  const auto& words = args.positional();
  auto loaded = words.empty()
                    ? config::load(config::config_path(args.value("config"), options.load.environment), options.load)
                    : config::from_arguments(words[0], words[1]);
  if (!loaded) return replica::pass(loaded);
  options.config = std::move(*loaded);
  if (args.has("exec")) options.config.exec = args.value("exec");
  if (args.is_on("restore-if-db-not-exists"))
    for (config::DatabaseSettings& db : options.config.databases) db.restore_if_db_not_exists = true;
  return options;
}

int print(const std::string& text) {
  std::cout << text << std::flush;
  return std::cout ? EXIT_SUCCESS : EXIT_FAILURE;
}

int run(std::span<const std::string> words) {
  const auto args = cli::parse(kFlags, words);
  if (!args) {
    std::cerr << cli::describe(args.error()) << "Try: litestreamd -help\n";
    return kUsageError;
  }
  if (args->wants_help()) return print(cli::help(kUsage));
  if (args->is_on("help-config")) return print(config::describe_keys());
  if (args->is_on("help-man")) return print(litestreamd::manual(kUsage));
  if (args->is_on("version"))
    return print("litestreamd " + std::string(cli::kVersion) + " (SQLite " + replica::sqlite_info().version + ")\n");
  if (auto r = check_combination(*args); !r) {
    std::cerr << cli::describe(r.error());
    return kUsageError;
  }
  auto options = options_from(*args);
  if (!options) {
    std::cerr << cli::describe(options.error());
    return EXIT_FAILURE;
  }
  replica::economise_sqlite();
  litestreamd::keep_heap_small();
  return args->is_on("once") ? litestreamd::run_once(*options) : litestreamd::run_daemon(std::move(*options));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::vector<std::string> words(argv + 1, argv + argc);
    return run(words);
  } catch (const std::exception& e) {
    std::cerr << "Error: internal error: " << e.what() << "\n";
    return EXIT_FAILURE;
  }
}

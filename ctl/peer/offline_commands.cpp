// The commands that need no daemon: those of litestreamctl under the peer's rules for flags and errors.
#include <filesystem>
#include <iostream>

#include "config/duration.hpp"
#include "config/paths.hpp"
#include "log_lines.hpp"
#include "peer/command.hpp"
#include "restore_verb.hpp"

namespace litestreamctl::peer {
namespace {

// An argument that begins with a dash stays an argument.
Outcome run_verb(const Verb& verb, std::vector<std::string> words, const std::vector<std::string>& positional) {
  words.emplace_back("--");
  words.insert(words.end(), positional.begin(), positional.end());
  const auto given = cli::parse(verb.flags, words);
  if (!given) return refuse(given.error().message);
  const Outcome outcome = verb.run(*given);
  if (!outcome) return refuse(outcome.error().message);
  return {};
}

Outcome run_verb(const Verb& verb, const Arguments& args) {
  std::vector<std::string> words;
  for (const auto& [name, value] : args.flags()) {
    words.push_back("-" + name);
    words.back() += "=" + value;
  }
  return run_verb(verb, std::move(words), args.positional());
}

Outcome run_databases(const Arguments& args) { return run_verb(databases_verb(), args); }

Outcome run_ltx(const Arguments& args) {
  if (args.positional().empty()) return refuse("database path or replica URL required", "litestream ltx /path/to/db");
  return run_verb(ltx_verb(), args);
}

Outcome run_wal(const Arguments& args) {
  std::cerr << "Warning: 'wal' command is deprecated, please use 'ltx' instead\n";
  return run_ltx(args);
}

// Those of the peer for the verb; it takes an interval that is not positive for one that was not given.
std::vector<std::string> restore_words(const Arguments& args) {
  std::vector<std::string> words;
  for (const auto& [name, value] : args.flags()) {
    const auto interval = name == "follow-interval" ? config::parse_duration(value) : config::Duration{1};
    if (interval && *interval <= config::Duration::zero()) continue;
    words.push_back((name == "f" ? "-follow=" : "-" + name + "=") + value);
  }
  return words;
}

Outcome run_restore(const Arguments& args) {
  const auto& words = args.positional();
  if (words.empty())
    return refuse("database path or replica URL required", "litestream restore -o /path/to/db s3://bucket/prefix");
  if (words.size() > 1) return refuse("too many arguments");
  const bool is_url = config::is_url(words[0]) && !words[0].starts_with("sqlite");
  if (is_url && !args.has("o"))
    return refuse("-o is required when restoring from a replica URL", "litestream restore -o /path/to/db " + words[0]);
  RestoreStyle style{.log = args.is_on("json") ? &std::cerr : &std::cout, .as_peer = true};
  const auto output = config::absolute_path(args.value("o", words[0]));
  std::error_code ignored;
  if (args.is_on("if-db-not-exists") && output && std::filesystem::exists(*output, ignored)) {
    // Whatever the other flags say.
    StreamLog(std::cout).log(replica::LogLevel::info, "database already exists, skipping");
    return {};
  }
  return run_verb(restore_verb(style), restore_words(args), words);
}

Outcome run_reset(const Arguments& args) {
  if (args.positional().empty()) return refuse("database path required", "litestream reset /path/to/db");
  return run_verb(reset_verb(), args);
}

Outcome run_version(const Arguments& args) {
  if (!args.is_on("verbose")) return printed(std::string(cli::kVersion) + "\n");
  return run_verb(version_verb(), args);
}

constexpr Flag kLevel{"level", FlagKind::level, "LEVEL", "Compaction level to list, 0-9 or \"all\" (default: 0)."};

}  // namespace

Command databases_command() {
  return {
      "databases", "", "List the databases of the configuration file.", {kConfig, kNoExpandEnv, kJson}, run_databases};
}

Command ltx_command() {
  return {"ltx",
          "DB_PATH|REPLICA_URL",
          "List the LTX files of a replica.",
          {kConfig, kNoExpandEnv, kLevel, kJson},
          run_ltx};
}

Command wal_command() {
  return {"wal", "DB_PATH|REPLICA_URL", "The old name of ltx.", {kConfig, kNoExpandEnv, kLevel, kJson}, run_wal};
}

Command restore_command() {
  return {"restore",
          "DB_PATH|REPLICA_URL",
          "Restore a database from its replica.",
          {{"o", FlagKind::text, "PATH", "Where to restore to (default: DB_PATH)."},
           {"txid", FlagKind::txid, "TXID", "Up to this transaction, 16 hex digits."},
           {"timestamp", FlagKind::text, "TIME", "As it was before this time, RFC 3339."},
           {"parallelism", FlagKind::integer, "NUM", "Files fetched at once (default: 8)."},
           {"if-db-not-exists", FlagKind::boolean, "", "Do nothing when the database exists."},
           {"if-replica-exists", FlagKind::boolean, "", "Do nothing when there is no backup."},
           {"dry-run", FlagKind::boolean, "", "Only show what would be fetched."},
           {"force", FlagKind::boolean, "", "Overwrite an existing database."},
           {"integrity-check", FlagKind::text, "MODE", "none, quick or full (default: none)."},
           {"f", FlagKind::boolean, "", "Follow mode: go on and apply what is new, in place, until told to stop."},
           {"follow-interval", FlagKind::duration, "DURATION", "How often to look for what is new (default: 1s)."},
           kConfig,
           kNoExpandEnv,
           kJson},
          run_restore};
}

Command reset_command() {
  return {"reset",
          "DB_PATH",
          "Forget what was captured locally of a database.",
          {kConfig, kNoExpandEnv, {"dry-run", FlagKind::boolean, "", "Only show what would be removed."}},
          run_reset};
}

Command version_command() {
  return {"version",
          "",
          "Print the version.",
          {{"verbose", FlagKind::boolean, "", "With the libraries in use."}},
          run_version};
}

}  // namespace litestreamctl::peer

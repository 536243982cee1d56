// replicate: becomes litestreamd, with the same flags and arguments.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "peer/command.hpp"

namespace litestreamctl::peer {
namespace {

// Beside this program, wherever the link to it is; else by PATH.
std::string daemon_program() {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::filesystem::path beside = self.parent_path() / "litestreamd";
  return !error && ::access(beside.c_str(), X_OK) == 0 ? beside.string() : "litestreamd";
}

Outcome check_arguments(const Arguments& args) {
  const auto& words = args.positional();
  if (words.size() == 1) return refuse("must specify at least one replica URL for " + words[0]);
  for (std::size_t i = 1; i < words.size(); ++i)
    if (words[i].starts_with('-'))
      return refuse("flag \"" + words[i] + "\" must be positioned before DB_PATH and REPLICA_URL arguments");
  if (!words.empty() && args.has("config")) return refuse("cannot specify a replica URL and the -config flag");
  if (words.size() > 2) return refuse("multiple replicas on a single database are no longer supported");
  return {};
}

Outcome check_flags(const Arguments& args) {
  if (args.is_on("once") && args.has("exec")) return refuse("cannot specify -once flag with -exec");
  for (const char* flag : {"force-snapshot", "enforce-retention"})
    if (args.is_on(flag) && !args.is_on("once"))
      return refuse("cannot specify -" + std::string(flag) + " flag without -once");
  return {};
}

Outcome run_replicate(const Arguments& args) {
  if (auto r = check_arguments(args); !r) return r;
  if (auto r = check_flags(args); !r) return r;
  std::vector<std::string> words{daemon_program()};
  for (const auto& [name, value] : args.flags()) {
    words.push_back("-" + name);
    words.back() += "=" + value;
  }
  if (!args.positional().empty()) words.emplace_back("--");
  words.insert(words.end(), args.positional().begin(), args.positional().end());
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  ::execvp(argv[0], argv.data());
  return refuse("cannot run " + words[0] + ": " + std::strerror(errno));
}

}  // namespace

Command replicate_command() {
  return {"replicate",
          "[DB_PATH REPLICA_URL]",
          "Replicate the databases of the configuration file, or the one that is named, until told to stop.",
          {kConfig,
           {"exec", FlagKind::text, "CMD", "Run CMD beside replication; its end ends replication."},
           {"once", FlagKind::boolean, "", "Sync every database one time, then exit."},
           {"force-snapshot", FlagKind::boolean, "", "With -once: write a full snapshot of every database too."},
           {"enforce-retention", FlagKind::boolean, "", "With -once: remove what retention does not keep."},
           {"log-level", FlagKind::text, "LEVEL", "trace, debug, info, warn or error."},
           kNoExpandEnv,
           {"restore-if-db-not-exists", FlagKind::boolean, "", "Restore a missing database before replicating it."}},
          run_replicate};
}

}  // namespace litestreamctl::peer

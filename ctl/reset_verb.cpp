// reset: takes away what a daemon keeps beside a database.
#include <filesystem>

#include "config/paths.hpp"
#include "replica/local_state.hpp"
#include "source.hpp"

namespace litestreamctl {
namespace {

// Of the configuration when it has the database; one that was not named need not exist.
tl::expected<std::string, Problem> local_state_path(const std::string& database, const cli::Arguments& args) {
  const auto config = load_config(args);
  if (!config && args.has("config")) return tl::unexpected(config.error());
  const config::DatabaseSettings* known = config ? config->find(database) : nullptr;
  return known != nullptr ? local_state_of(*known) : replica::default_meta_path(database);
}

std::string listing(const std::string& database, const replica::LocalState& state) {
  std::string text =
      "Dry run: local Litestream state would be reset for: " + database + "\nWould remove: " + state.folder + "\n";
  if (state.files.empty()) return text + "No local LTX files would be removed.\n";
  text += "Files that would be removed:\n";
  for (const std::string& file : state.files) text += "  " + file + "\n";
  return text + "No files were removed.\n";
}

Outcome run_reset(const cli::Arguments& args) {
  const auto& words = args.positional();
  if (words.empty()) return misuse("database path required", "litestreamctl reset /path/to/db");
  if (words.size() > 1) return misuse("too many arguments");
  const auto database = config::absolute_path(words[0]);
  if (!database) return misuse(database.error().message);
  std::error_code ignored;
  if (!std::filesystem::exists(*database, ignored))
    return tl::unexpected(Problem{"database does not exist: " + *database});
  const auto meta_path = local_state_path(*database, args);
  if (!meta_path) return tl::unexpected(meta_path.error());
  const auto state = replica::local_state(*meta_path);
  if (!state && state.error().code == replica::Errc::not_found)
    return printed("No local state to reset for " + *database + "\nMeta directory does not exist: " + *meta_path +
                   "\n");
  if (!state) return problem(state.error());
  if (args.is_on("dry-run")) return printed(listing(*database, *state));
  if (auto r = printed("Resetting local Litestream state for: " + *database + "\nRemoving: " + state->folder + "\n");
      !r)
    return r;
  if (auto r = replica::reset_local_state(*database, *meta_path); !r) return problem(r.error());
  return printed("Reset complete. Next replication sync will create a fresh snapshot.\n");
}

}  // namespace

Verb reset_verb() {
  return {"reset",
          "DB_PATH",
          "Forget what was captured locally of a database; its replica is continued.",
          {{"dry-run", "", "only show what would be removed"}, kConfigFlag, kNoExpandFlag},
          run_reset};
}

}  // namespace litestreamctl

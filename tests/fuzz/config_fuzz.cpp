// The text of a configuration file, before and after its variables are put in.
#include "config/config.hpp"

#include "cli/flags.hpp"
#include "config/persist.hpp"
#include "fuzz/fuzz.hpp"

namespace {

// The text with that database switched off says so, the one without its entry has it no more.
void check_change(const std::string& text, const config::DatabaseSettings& database) {
  const config::LoadOptions verbatim{.expand_environment = false};
  const auto without = config::with_change(text, config::RemoveEntry{database.path}, verbatim);
  if (without) {
    const auto read = config::parse(*without, "/etc/x.yml");
    fuzz::require(read && read->find(database.path) == nullptr, "a text without an entry is valid and lacks it");
  }
  const auto off = config::with_change(text, config::SetEnabled{.path = database.path, .enabled = false}, verbatim);
  if (!off) return;
  const auto read = config::parse(*off, "/etc/x.yml");
  fuzz::require(read && read->find(database.path) != nullptr, "a changed text is valid and has the database");
  fuzz::require(!read->find(database.path)->enabled, "a changed text says what it should");
}

void check(const std::string& text) {
  const auto config = config::parse(text, "/etc/x.yml");
  if (!config) {
    fuzz::require(!config.error().message.empty(), "an error says what is wrong");
    return;
  }
  for (const config::DatabaseSettings& database : config->databases) {
    fuzz::require(database.path.starts_with('/'), "paths are absolute");
    fuzz::require(config->find(database.path) == &database, "each database is there once");
    fuzz::require(!database.starts_by_itself() || database.replica.has_value(), "what starts has a replica");
  }
  if (!config->databases.empty()) check_change(text, config->databases.front());
  for (const config::TokenSettings& token : config->control.tokens) {
    fuzz::require(token.file.empty() != token.env.empty(), "a token has one source");
    fuzz::require(token.role == "read" || token.role == "operate" || token.role == "admin", "a token has a role");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(fuzz::text(data, size));
  check(text);
  const auto environment = [](std::string_view name) -> std::optional<std::string> {
    return name.size() % 2 == 0 ? std::nullopt : std::optional<std::string>("value: [x]\n- ");
  };
  const config::Expansion expansion = config::trace_environment(text, environment);
  fuzz::require(expansion.text == config::expand_environment(text, environment), "both ways of expansion agree");
  for (std::size_t at = 0; at <= expansion.text.size(); at += 7) {
    fuzz::require(expansion.origin(at) <= text.size(), "every offset comes from somewhere");
  }
  if (expansion.text != text) check(expansion.text);
  (void)cli::split_words(text);
  (void)config::parse_duration(text);
  return 0;
}

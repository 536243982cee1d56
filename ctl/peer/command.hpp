// One command of the peer's command line: its flags in the notation of Go's flag package, its usage, what it does.
#pragma once

#include <boost/json/value.hpp>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "verb.hpp"

namespace litestreamctl::peer {

enum class FlagKind { text, boolean, integer, txid, level, duration };

struct Flag {
  std::string_view name;
  FlagKind kind = FlagKind::text;
  std::string_view value{};  // name of the value in the usage
  std::string_view doc{};
};

class Arguments {
 public:
  bool has(std::string_view flag) const { return flags_.contains(flag); }
  bool is_on(std::string_view flag) const { return value(flag) == "true"; }
  std::string value(std::string_view flag, std::string_view otherwise = {}) const;
  // Of an integer flag.
  long seconds(std::string_view flag, long otherwise) const;
  const std::vector<std::string>& positional() const noexcept { return positional_; }
  const std::map<std::string, std::string, std::less<>>& flags() const noexcept { return flags_; }
  bool wants_help() const noexcept { return help_; }

 private:
  friend tl::expected<Arguments, std::string> parse(std::span<const Flag> flags, std::span<const std::string> words);
  std::map<std::string, std::string, std::less<>> flags_;
  std::vector<std::string> positional_;
  bool help_ = false;
};

// Flags end at the first argument. The texts of the errors are Go's.
tl::expected<Arguments, std::string> parse(std::span<const Flag> flags, std::span<const std::string> words);

struct Command {
  std::string_view name;
  std::string_view arguments{};  // "DB_PATH"
  std::string_view summary;
  std::vector<Flag> flags;
  Outcome (*run)(const Arguments&);  // a Problem's hint is printed only when it begins with "Try: "
};

std::string usage(const Command& command);

// Those of a running daemon…
std::vector<Command> control_commands();
// …and those that need none.
Command databases_command();
Command status_command();
Command ltx_command();
Command wal_command();
Command restore_command();
Command replicate_command();
Command reset_command();
Command version_command();

// "Error: MESSAGE", exit status 1; with an example "Try: EXAMPLE" below it.
tl::unexpected<Problem> refuse(std::string message, std::string_view example = {});

// JSON with two spaces of indent, and <, > and & as the peer writes them.
std::string json_text(const boost::json::value& value);

Outcome printed(const std::string& text);

inline constexpr Flag kConfig{"config", FlagKind::text, "PATH",
                              "Configuration file (default: LITESTREAM_CONFIG, else /etc/litestream.yml)."};
inline constexpr Flag kNoExpandEnv{"no-expand-env", FlagKind::boolean, "",
                                   "Leave $NAME in the configuration file as it is."};
inline constexpr Flag kJson{"json", FlagKind::boolean, "", "Print JSON."};

}  // namespace litestreamctl::peer

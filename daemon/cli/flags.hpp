// Command lines in the notation of the peer: -flag VALUE, -flag=VALUE, one dash or two; flags before or after the
// arguments.
#pragma once

#include <chrono>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "replica/result.hpp"

namespace cli {

// What the programs answer to -version and the control method info.
inline constexpr std::string_view kVersion = LITESTREAM_VERSION;

struct Flag {
  std::string_view name;
  std::string_view value{};  // name of the value in help; empty = a switch
  std::string_view doc{};
  std::string_view standard{};  // value when not given, shown in help
};

// What a program or one of its verbs takes.
struct Usage {
  std::string_view name;       // "litestreamctl start"
  std::string_view arguments;  // "DB_PATH"
  std::string_view summary;
  std::span<const Flag> flags;
};

class Arguments {
 public:
  bool has(std::string_view flag) const { return flags_.find(flag) != flags_.end(); }
  // Of a switch: given and not "=false".
  bool is_on(std::string_view flag) const { return value(flag) == "true"; }
  // Empty when not given.
  std::string value(std::string_view flag) const;
  const std::vector<std::string>& positional() const noexcept { return positional_; }
  bool wants_help() const noexcept { return help_; }

 private:
  friend replica::Result<Arguments> parse(std::span<const Flag>, std::span<const std::string>);
  std::map<std::string, std::string, std::less<>> flags_;
  std::vector<std::string> positional_;
  bool help_ = false;
};

// invalid_argument: `flag provided but not defined: -x`, `flag needs an argument: -x`, `invalid boolean value "v" for
// -x`. Behind "--" everything is an argument.
replica::Result<Arguments> parse(std::span<const Flag> flags, std::span<const std::string> words);

// "Usage: NAME [OPTIONS] ARGUMENTS", the summary, one line a flag.
std::string help(const Usage& usage);

// A positive whole number of seconds, also "30s" and "1m": `timeout must be greater than 0`.
replica::Result<std::chrono::milliseconds> parse_seconds(std::string_view text);

// Splits as a shell would: blanks, quotes and backslashes; no expansion. invalid_argument for an open quote.
replica::Result<std::vector<std::string>> split_words(std::string_view text);

// "Error: MESSAGE" and, when there is one, "Hint: HINT", each on its line.
std::string describe(const replica::Error& error);

}  // namespace cli

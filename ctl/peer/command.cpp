#include "peer/command.hpp"

#include <algorithm>
#include <boost/json/value.hpp>
#include <charconv>

#include "config/duration.hpp"
#include "output.hpp"
#include "replica/types.hpp"

namespace litestreamctl::peer {
namespace {

std::optional<bool> boolean(std::string_view text) {
  for (const std::string_view word : {"1", "t", "T", "true", "TRUE", "True"})
    if (text == word) return true;
  for (const std::string_view word : {"0", "f", "F", "false", "FALSE", "False"})
    if (text == word) return false;
  return std::nullopt;
}

std::optional<long> integer(std::string_view text) {
  long value = 0;
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

// Why the value does not fit.
std::optional<std::string> complaint(FlagKind kind, const std::string& value) {
  if (kind == FlagKind::integer && !integer(value)) return "parse error";
  if (kind == FlagKind::duration && !config::parse_duration(value)) return "parse error";
  if (kind == FlagKind::txid && !replica::TxId::parse(value)) return "invalid txid format";
  if (kind == FlagKind::level && value != "all") {
    const auto level = integer(value);
    if (!level) return "invalid level: must be 0-9 or \"all\"";
    if (*level < 0 || *level > 9) return "level must be between 0 and 9";
  }
  return std::nullopt;
}

}  // namespace

std::string Arguments::value(std::string_view flag, std::string_view otherwise) const {
  const auto found = flags_.find(flag);
  return found == flags_.end() ? std::string(otherwise) : found->second;
}

long Arguments::seconds(std::string_view flag, long otherwise) const {
  return integer(value(flag)).value_or(otherwise);
}

tl::expected<Arguments, std::string> parse(std::span<const Flag> flags, std::span<const std::string> words) {
  Arguments out;
  std::size_t i = 0;
  for (; i < words.size() && words[i].size() > 1 && words[i].front() == '-'; ++i) {
    const std::string& given = words[i];
    if (given == "--") {
      ++i;
      break;
    }
    const std::string_view word = std::string_view(given).substr(given.starts_with("--") ? 2 : 1);
    const std::size_t equals = word.find('=');
    const std::string name(word.substr(0, equals));
    if (name.empty() || name.front() == '-') return tl::unexpected("bad flag syntax: " + given);
    const auto flag = std::find_if(flags.begin(), flags.end(), [&](const Flag& f) { return f.name == name; });
    if (flag == flags.end() && (name == "h" || name == "help")) {
      out.help_ = true;
      return out;
    }
    if (flag == flags.end()) return tl::unexpected("flag provided but not defined: -" + name);
    std::string value = equals == std::string_view::npos ? "true" : std::string(word.substr(equals + 1));
    if (flag->kind == FlagKind::boolean) {
      const auto on = boolean(value);
      if (!on) return tl::unexpected("invalid boolean value " + quoted(value) + " for -" + name + ": parse error");
      value = *on ? "true" : "false";
    } else if (equals == std::string_view::npos) {
      if (++i == words.size()) return tl::unexpected("flag needs an argument: -" + name);
      value = words[i];
    }
    if (const auto why = complaint(flag->kind, value))
      return tl::unexpected("invalid value " + quoted(value) + " for flag -" + name + ": " + *why);
    out.flags_.insert_or_assign(name, std::move(value));
  }
  out.positional_.assign(words.begin() + static_cast<std::ptrdiff_t>(i), words.end());
  return out;
}

std::string usage(const Command& command) {
  std::string text = "usage: litestream " + std::string(command.name);
  if (!command.flags.empty()) text += " [OPTIONS]";
  if (!command.arguments.empty()) text += " " + std::string(command.arguments);
  text += "\n\n" + std::string(command.summary) + "\n";
  if (!command.flags.empty()) text += "\nOptions:\n";
  for (const Flag& flag : command.flags) {
    text += "  -" + std::string(flag.name) + (flag.value.empty() ? "" : " " + std::string(flag.value)) + "\n";
    text += "      " + std::string(flag.doc) + "\n";
  }
  return text + "\n";
}

tl::unexpected<Problem> refuse(std::string message, std::string_view example) {
  return tl::unexpected(Problem{std::move(message), example.empty() ? "" : "Try: " + std::string(example)});
}

std::string json_text(const boost::json::value& value) {
  std::string out;
  for (const char c : pretty(value)) {
    if (c == '<' || c == '>' || c == '&') {
      out += c == '<' ? "\\u003c" : c == '>' ? "\\u003e" : "\\u0026";
    } else {
      out += c;
    }
  }
  return out;
}

Outcome printed(const std::string& text) {
  if (!print(text)) return refuse("cannot write the result");
  return {};
}

}  // namespace litestreamctl::peer

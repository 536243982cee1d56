#include "cli/flags.hpp"

#include <algorithm>

#include "config/duration.hpp"

namespace cli {

using replica::Errc;
using replica::fail;
using replica::Result;

namespace {

Result<std::string> boolean(std::string_view flag, std::string_view text) {
  for (const std::string_view word : {"1", "t", "T", "true", "TRUE", "True"})
    if (text == word) return std::string("true");
  for (const std::string_view word : {"0", "f", "F", "false", "FALSE", "False"})
    if (text == word) return std::string("false");
  return fail(Errc::invalid_argument, "invalid boolean value \"" + std::string(text) + "\" for -" + std::string(flag));
}

bool is_flag(std::string_view word) { return word.size() > 1 && word.front() == '-'; }

}  // namespace

std::string Arguments::value(std::string_view flag) const {
  const auto found = flags_.find(flag);
  return found == flags_.end() ? std::string() : found->second;
}

Result<Arguments> parse(std::span<const Flag> flags, std::span<const std::string> words) {
  Arguments out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::string_view word = words[i];
    if (word == "--") {
      out.positional_.insert(out.positional_.end(), words.begin() + static_cast<std::ptrdiff_t>(i) + 1, words.end());
      break;
    }
    if (!is_flag(word)) {
      out.positional_.emplace_back(word);
      continue;
    }
    word.remove_prefix(word.starts_with("--") ? 2 : 1);
    const std::size_t equals = word.find('=');
    const std::string_view name = word.substr(0, equals);
    if (name == "h" || name == "help") {
      out.help_ = true;
      continue;
    }
    const auto flag = std::find_if(flags.begin(), flags.end(), [&](const Flag& f) { return f.name == name; });
    if (flag == flags.end())
      return fail(Errc::invalid_argument, "flag provided but not defined: -" + std::string(name));
    std::string value = equals == std::string_view::npos ? "true" : std::string(word.substr(equals + 1));
    if (flag->value.empty()) {
      auto on = boolean(name, value);
      if (!on) return replica::pass(on);
      value = std::move(*on);
    } else if (equals == std::string_view::npos) {
      if (++i == words.size()) return fail(Errc::invalid_argument, "flag needs an argument: -" + std::string(name));
      value = words[i];
    }
    out.flags_.insert_or_assign(std::string(name), std::move(value));
  }
  return out;
}

std::string help(const Usage& usage) {
  std::string out = "Usage: " + std::string(usage.name);
  if (!usage.flags.empty()) out += " [OPTIONS]";
  if (!usage.arguments.empty()) out += " " + std::string(usage.arguments);
  out += "\n\n" + std::string(usage.summary) + "\n";
  if (!usage.flags.empty()) out += "\nOptions:\n";
  for (const Flag& flag : usage.flags) {
    std::string line = "  -" + std::string(flag.name);
    if (!flag.value.empty()) line += " " + std::string(flag.value);
    line.resize(std::max<std::size_t>(line.size() + 2, 28), ' ');
    out += line + std::string(flag.doc);
    if (!flag.standard.empty()) out += " (default: " + std::string(flag.standard) + ")";
    out += "\n";
  }
  return out;
}

Result<std::chrono::milliseconds> parse_seconds(std::string_view text) {
  const bool bare = !text.empty() && text.find_first_not_of("0123456789.") == std::string_view::npos;
  const auto value = config::parse_duration(bare ? std::string(text) + "s" : std::string(text));
  if (!value)
    return fail(Errc::invalid_argument, "invalid timeout \"" + std::string(text) + "\"",
                "give it in seconds, as in 30");
  if (*value <= config::Duration::zero()) return fail(Errc::invalid_argument, "timeout must be greater than 0");
  return config::to_milliseconds(*value);
}

Result<std::vector<std::string>> split_words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool open = false;  // a word has begun, possibly an empty one in quotes
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0 && c == quote) {
      quote = 0;
    } else if (c == '\\' && quote != '\'') {
      if (++i == text.size()) return fail(Errc::invalid_argument, "nothing after the last backslash");
      // Inside double quotes a backslash is special before these only.
      if (quote == '"' && std::string_view("\"\\$`").find(text[i]) == std::string_view::npos) word += '\\';
      word += text[i];
      open = true;
    } else if (quote != 0) {
      word += c;
    } else if (c == '\'' || c == '"') {
      quote = c;
      open = true;
    } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      if (open) words.push_back(std::exchange(word, {}));
      open = false;
    } else {
      word += c;
      open = true;
    }
  }
  if (quote != 0) return fail(Errc::invalid_argument, std::string("no closing ") + quote);
  if (open) words.push_back(std::move(word));
  return words;
}

std::string describe(const replica::Error& error) {
  std::string text = "Error: " + error.message + "\n";
  if (!error.hint.empty()) text += "Hint: " + error.hint + "\n";
  return text;
}

}  // namespace cli

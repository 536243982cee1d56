#include "config/yaml_edit.hpp"

#include <algorithm>

#include "config/paths.hpp"

namespace config {

using replica::Errc;
using replica::fail;
using replica::Result;

namespace {

constexpr const char* kHint = "write the state into the file by hand, or set socket.persist-to-config to false";
constexpr auto kNowhere = std::string::npos;

replica::Failure cannot(const std::string& why) { return fail(Errc::invalid_argument, why, kHint); }

const char* word(bool value) { return value ? "true" : "false"; }

// Behind the bracket that belongs to the one at `open`; npos when there is none. Quotes count where a scalar begins.
std::size_t behind_bracket(const std::string& text, std::size_t open) {
  int depth = 0;
  char quote = 0, before = ' ';
  for (std::size_t i = open; i < text.size(); before = text[i], ++i) {
    const char c = text[i];
    if (quote != 0) {
      if (c == '\\' && quote == '"') ++i;
      if (c == quote) quote = 0;
    } else if ((c == '"' || c == '\'') && std::string_view(" \t\r\n{[,:").find(before) != kNowhere) {
      quote = c;
    } else if (c == '#' && std::string_view(" \t\r\n").find(before) != kNowhere) {
      i = std::min(text.find('\n', i), text.size()) - 1;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && --depth == 0) {
      return i + 1;
    }
  }
  return kNowhere;
}

}  // namespace

Member member(const Node& map, std::string_view name) {
  for (std::size_t i = 0; i < map.keys.size(); ++i)
    if (map.keys[i].name == name) return {&map.keys[i], &map.items[i]};
  return {};
}

const Node* find_entry(const Node& databases, const std::string& path) {
  for (const Node& entry : databases.items) {
    const Node* value = member(entry, "path").value;
    if (value == nullptr) continue;
    const auto absolute = absolute_path(value->text);
    if (absolute && *absolute == path) return &entry;
  }
  return nullptr;
}

YamlEdit::YamlEdit(std::string raw, const LoadOptions& options) : raw_(std::move(raw)) {
  expansion_ = trace_environment(raw_, [&](std::string_view name) { return options.environment(name); });
  if (!options.expand_environment) expansion_ = {.text = raw_, .parts = {}};
}

bool YamlEdit::is_flow(const Node& node) const {
  const std::size_t at = begin_of(node);
  return at < raw_.size() && raw_[at] == (node.kind == Node::Kind::map ? '{' : '[');
}

// Behind an anchor or a tag.
std::size_t YamlEdit::begin_of(const Node& node) const {
  std::size_t at = place(node.at);
  while (at < raw_.size() && (raw_[at] == '&' || raw_[at] == '!'))
    at = raw_.find_first_not_of(" \t\r\n", raw_.find_first_of(" \t\r\n", at));
  return std::min(at, raw_.size());
}

std::size_t YamlEdit::line_begin(std::size_t at) const {
  const std::size_t before = at == 0 ? kNowhere : raw_.rfind('\n', at - 1);
  return before == kNowhere ? 0 : before + 1;
}

// Behind its line end.
std::size_t YamlEdit::line_end(std::size_t at) const {
  const std::size_t end = raw_.find('\n', at);
  return end == kNowhere ? raw_.size() : end + 1;
}

std::string YamlEdit::indent_of(std::size_t at) const { return std::string(at - line_begin(at), ' '); }

void YamlEdit::insert_after(const Node::Key& key, const std::string& text) {
  raw_.insert(raw_.find(':', place(key.at)) + 1, text);
}

void YamlEdit::insert(const Node& map, const std::string& text) {
  const std::size_t at = begin_of(map);
  if (is_flow(map)) {
    raw_.insert(at + 1, text + ", ");
  } else {
    raw_.insert(at, text + "\n" + indent_of(at));
  }
}

Result<void> YamlEdit::set_enabled(const Node& entry, bool enabled) {
  const Member given = member(entry, "enabled");
  if (given.key == nullptr || given.key->merged) {
    insert(entry, std::string("enabled: ") + word(enabled));
    return {};
  }
  if (given.value->kind == Node::Kind::null) {
    insert_after(*given.key, std::string(" ") + word(enabled));
    return {};
  }
  // An alias has the place of its anchor, which is not ours to change.
  const std::size_t key = place(given.key->at), begin = place(given.value->at);
  if (begin <= key || raw_.substr(key, begin - key).find('\n') != kNowhere)
    return cannot("enabled does not stand beside its value");
  const bool braced = raw_.compare(begin, 2, "${") == 0;
  std::size_t end = braced ? raw_.find('}', begin) : raw_.find_first_of(" \t\r\n,}#", begin);
  if (end == kNowhere) end = raw_.size();
  raw_.replace(begin, end - begin + (braced ? 1 : 0), word(enabled));
  return {};
}

Result<void> YamlEdit::fill_empty(const Member& databases, const DatabaseSettings& settings, bool enabled) {
  const Node& list = *databases.value;
  const std::string indent = indent_of(place(databases.key->at)) + "  ";
  const std::string entry = "\n" + indent + "- " + entry_text(settings, enabled, indent + "  ");
  if (list.kind != Node::Kind::null) {
    const std::size_t open = begin_of(list), close = raw_.find_first_not_of(" \t", open + 1);
    if (!is_flow(list) || close == kNowhere || raw_[close] != ']') return cannot("dbs does not stand beside its list");
    raw_.erase(open, close + 1 - open);
  }
  insert_after(*databases.key, entry);
  return {};
}

Result<void> YamlEdit::add_entry(const Node& document, const DatabaseSettings& settings, bool enabled) {
  const Member databases = member(document, "dbs");
  if (databases.key == nullptr) {
    if (!raw_.empty() && raw_.back() != '\n') raw_ += '\n';
    raw_ += "dbs:\n  - " + entry_text(settings, enabled, "    ") + "\n";
    return {};
  }
  const Node& list = *databases.value;
  if (list.items.empty()) return fill_empty(databases, settings, enabled);
  if (is_flow(list)) {
    const auto last = flow_entry(list.items.back());
    if (!last) return tl::unexpected(last.error());
    raw_.insert(last->end, ", " + flow_entry_text(settings, enabled));
    return {};
  }
  const std::string indent = indent_of(place(list.at));
  const std::size_t end = block_entry(list, list.items.back()).end;
  const bool open_line = end > 0 && raw_[end - 1] != '\n';  // the file ends without a line end
  raw_.insert(end, (open_line ? "\n" : "") + indent + "- " + entry_text(settings, enabled, indent + "  ") +
                       (open_line ? "" : "\n"));
  return {};
}

// Whole lines. What belongs to an entry is indented deeper than its dash.
YamlEdit::Range YamlEdit::block_entry(const Node& list, const Node& entry) const {
  const std::size_t dash = place(list.at) - line_begin(place(list.at));
  const auto indent = [&](std::size_t line) {
    const std::size_t at = raw_.find_first_not_of(' ', line);
    return (at == kNowhere ? raw_.size() : at) - line;
  };
  const auto first_of = [&](std::size_t line) {
    return line + indent(line) < raw_.size() ? raw_[line + indent(line)] : '\n';
  };
  Range range{.begin = line_begin(begin_of(entry))};
  while (range.begin > 0 && !(indent(range.begin) == dash && first_of(range.begin) == '-'))
    range.begin = line_begin(range.begin - 1);
  range.end = line_end(begin_of(entry));
  bool below = false;  // a comment or a blank line that may be the end was met
  for (std::size_t line = range.end; line < raw_.size(); line = line_end(line)) {
    const char c = first_of(line);
    const bool is_blank = c == '\n' || c == '\r', is_comment = c == '#';
    if (!is_blank && indent(line) <= dash && !is_comment) break;
    below = below || is_blank || (is_comment && indent(line) <= dash);
    if (!(is_comment && below) && !is_blank && indent(line) > dash) {
      range.end = line_end(line);
      below = false;
    }
  }
  return range;
}

Result<YamlEdit::Range> YamlEdit::flow_entry(const Node& entry) const {
  Range range{.begin = place(entry.at), .end = kNowhere};
  if (is_flow(entry)) range.end = behind_bracket(raw_, begin_of(entry));
  if (range.end == kNowhere) return cannot("an entry of dbs has no braces of its own");
  return range;
}

Result<void> YamlEdit::remove_entry(const Node& document, const Node& entry) {
  const Member databases = member(document, "dbs");
  const Node& list = *databases.value;
  if (!is_flow(list)) {
    const Range range = block_entry(list, entry);
    raw_.erase(range.begin, range.end - range.begin);
    if (list.items.size() == 1) insert_after(*databases.key, " []");
    return {};
  }
  const auto found = flow_entry(entry);
  if (!found) return tl::unexpected(found.error());
  Range range = *found;
  const std::size_t next = raw_.find_first_not_of(" \t\r\n", range.end);
  if (next != kNowhere && raw_[next] == ',') {
    range.end = std::min(raw_.find_first_not_of(" \t", next + 1), raw_.size());
  } else if (list.items.size() > 1) {
    const std::size_t before = range.begin == 0 ? kNowhere : raw_.find_last_not_of(" \t\r\n", range.begin - 1);
    if (before != kNowhere && raw_[before] == ',') range.begin = before;
  }
  // A line of its own goes with it.
  const std::size_t line = line_begin(range.begin);
  const bool alone = raw_.find_first_not_of(" \t", line) == range.begin && range.end < raw_.size() &&
                     (raw_[range.end] == '\n' || raw_.compare(range.end, 2, "\r\n") == 0);
  if (alone) range = {.begin = line, .end = line_end(range.end)};
  raw_.erase(range.begin, range.end - range.begin);
  return {};
}

}  // namespace config

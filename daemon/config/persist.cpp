#include "config/persist.hpp"

#include <algorithm>

#include "config/node.hpp"
#include "config/paths.hpp"
#include "config/replace_file.hpp"

namespace config {

using replica::Errc;
using replica::fail;
using replica::Result;

namespace {

constexpr const char* kHint = "write the state into the file by hand, or set socket.persist-to-config to false";

replica::Failure cannot(const std::string& why) { return fail(Errc::invalid_argument, why, kHint); }

const char* word(bool value) { return value ? "true" : "false"; }

// Double quotes: what JSON and YAML agree on.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

// The child of a map, nullptr when the map itself has no such key.
struct Member {
  const Node::Key* key = nullptr;
  const Node* value = nullptr;
};
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

// The raw text, with places found in the expanded one.
class Editor {
 public:
  Editor(std::string raw, const LoadOptions& options) : raw_(std::move(raw)) {
    expansion_ = trace_environment(raw_, [&](std::string_view name) { return options.environment(name); });
    if (!options.expand_environment) expansion_ = {.text = raw_, .parts = {}};
  }

  Result<Node> document() const { return parse_yaml(expansion_.text); }
  std::size_t place(std::size_t at) const { return expansion_.origin(at); }
  bool is_flow(const Node& node) const {
    const std::size_t at = begin_of(node);
    return at < raw_.size() && raw_[at] == (node.kind == Node::Kind::map ? '{' : '[');
  }
  std::string take() && { return std::move(raw_); }

  // One edit only: it moves the places behind it.
  Result<void> set_enabled(const Node& entry, bool enabled) {
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
    if (begin <= key || raw_.substr(key, begin - key).find('\n') != std::string::npos)
      return cannot("enabled does not stand beside its value");
    const bool braced = raw_.compare(begin, 2, "${") == 0;
    std::size_t end = braced ? raw_.find('}', begin) : raw_.find_first_of(" \t\r\n,}#", begin);
    if (end == std::string::npos) end = raw_.size();
    raw_.replace(begin, end - begin + (braced ? 1 : 0), word(enabled));
    return {};
  }

  Result<void> add_entry(const Node& document, const DatabaseSettings& settings, bool enabled) {
    const Member databases = member(document, "dbs");
    if (databases.key == nullptr) {
      if (!raw_.empty() && raw_.back() != '\n') raw_ += '\n';
      raw_ += "dbs:\n  - " + entry_text(settings, enabled, "    ") + "\n";
      return {};
    }
    const Node& list = *databases.value;
    if (!list.items.empty() && !is_flow(list)) {
      const std::size_t at = place(list.at);
      const std::string indent = indent_of(at);
      raw_.insert(at, "- " + entry_text(settings, enabled, indent + "  ") + "\n" + indent);
      return {};
    }
    if (!list.items.empty()) return cannot("dbs is a list in brackets");
    const std::string indent = indent_of(place(databases.key->at)) + "  ";
    const std::string entry = "\n" + indent + "- " + entry_text(settings, enabled, indent + "  ");
    if (list.kind != Node::Kind::null) {
      const std::size_t open = begin_of(list), close = raw_.find_first_not_of(" \t", open + 1);
      if (!is_flow(list) || close == std::string::npos || raw_[close] != ']')
        return cannot("dbs does not stand beside its list");
      raw_.erase(open, close + 1 - open);
    }
    insert_after(*databases.key, entry);
    return {};
  }

 private:
  // Behind an anchor or a tag.
  std::size_t begin_of(const Node& node) const {
    std::size_t at = place(node.at);
    while (at < raw_.size() && (raw_[at] == '&' || raw_[at] == '!'))
      at = raw_.find_first_not_of(" \t\r\n", raw_.find_first_of(" \t\r\n", at));
    return std::min(at, raw_.size());
  }

  std::string indent_of(std::size_t at) const {
    const std::size_t line = raw_.rfind('\n', at == 0 ? 0 : at - 1);
    return std::string(at - (line == std::string::npos || at == 0 ? 0 : line + 1), ' ');
  }

  void insert_after(const Node::Key& key, const std::string& text) {
    raw_.insert(raw_.find(':', place(key.at)) + 1, text);
  }

  void insert(const Node& map, const std::string& text) {
    const std::size_t at = begin_of(map);
    if (is_flow(map)) {
      raw_.insert(at + 1, text + ", ");
    } else {
      raw_.insert(at, text + "\n" + indent_of(at));
    }
  }

  std::string raw_;
  Expansion expansion_;
};

Result<void> check(const std::string& text, const Config& before, const std::string& path, bool enabled,
                   const LoadOptions& options) {
  const auto after = parse(options.expand_environment ? expand_environment(text, options.environment) : text, "line");
  if (!after) return cannot("the changed file would not be valid: " + after.error().message);
  const DatabaseSettings* found = after->find(path);
  const std::size_t added = before.find(path) == nullptr ? 1 : 0;
  if (found == nullptr || found->enabled != enabled || after->databases.size() != before.databases.size() + added)
    return cannot("no place for the state of " + path + " was found");
  for (const DatabaseSettings& db : before.databases) {
    const DatabaseSettings* now = after->find(db.path);
    if (now == nullptr || (db.path != path && now->enabled != db.enabled))
      return cannot("the change would touch other databases too");
  }
  return {};
}

}  // namespace

std::string entry_text(const DatabaseSettings& settings, bool enabled, const std::string& indent) {
  const DatabaseSettings standard;
  std::string out = "path: " + quoted(settings.path);
  const auto line = [&](std::string_view key, const std::string& value, std::string_view deeper = "") {
    out += "\n" + indent + std::string(deeper) + std::string(key) + ": " + value;
  };
  const auto time = [&](std::string_view key, Duration DatabaseSettings::* which) {
    if (settings.*which != standard.*which) line(key, format_duration(settings.*which));
  };
  const auto number = [&](std::string_view key, auto which) {
    if (settings.*which != standard.*which) line(key, std::to_string(settings.*which));
  };
  line("enabled", word(enabled));
  if (!settings.meta_path.empty()) line("meta-path", quoted(settings.meta_path));
  time("monitor-interval", &DatabaseSettings::monitor_interval);
  time("checkpoint-interval", &DatabaseSettings::checkpoint_interval);
  time("busy-timeout", &DatabaseSettings::busy_timeout);
  number("min-checkpoint-page-count", &DatabaseSettings::min_checkpoint_page_count);
  number("truncate-page-n", &DatabaseSettings::truncate_page_n);
  number("max-sync-wal-bytes", &DatabaseSettings::max_sync_wal_bytes);
  if (settings.restore_if_db_not_exists) line("restore-if-db-not-exists", "true");
  if (!settings.convert_to_wal) line("convert-to-wal", "false");
  if (!settings.replica) return out;
  out += "\n" + indent + "replica:";
  line("path", quoted(settings.replica->root), "  ");
  if (settings.replica->sync_interval) line("sync-interval", format_duration(*settings.replica->sync_interval), "  ");
  return out;
}

Result<std::string> with_enabled(const std::string& raw, const std::string& path, bool enabled,
                                 const DatabaseSettings* added, const LoadOptions& options) {
  Editor editor(raw, options);
  const auto before = parse(options.expand_environment ? expand_environment(raw, options.environment) : raw, "line");
  if (!before) return cannot("the file is not valid any more: " + before.error().message);
  const auto document = editor.document();
  if (!document) return cannot(document.error().message);
  const Node* databases = member(*document, "dbs").value;
  const Node* entry = databases == nullptr ? nullptr : find_entry(*databases, path);
  if (entry != nullptr) {
    if (before->find(path)->enabled == enabled) return raw;
    if (auto r = editor.set_enabled(*entry, enabled); !r) return replica::pass(r);
  } else if (added != nullptr) {
    if (auto r = editor.add_entry(*document, *added, enabled); !r) return replica::pass(r);
  } else {
    return fail(Errc::not_found, "the file has no entry for " + path, kHint);
  }
  std::string text = std::move(editor).take();
  if (auto r = check(text, *before, path, enabled, options); !r) return replica::pass(r);
  return text;
}

Result<void> persist_enabled(const std::string& file, const std::string& path, bool enabled,
                             const DatabaseSettings* added, const LoadOptions& options) {
  auto raw = read_file(file);
  if (!raw) return replica::pass(raw);
  auto text = with_enabled(*raw, path, enabled, added, options);
  if (!text) return replica::pass(text);
  if (*text == *raw) return {};
  return replace_file(file, *text);
}

}  // namespace config

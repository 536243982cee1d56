// Edits of a configuration file as text, at places found in its YAML: all that is not edited stays byte for byte.
#pragma once

#include <string>
#include <string_view>

#include "config/config.hpp"
#include "config/expand.hpp"
#include "config/node.hpp"

namespace config {

// The child of a map; nullptr when the map has no such key.
struct Member {
  const Node::Key* key = nullptr;
  const Node* value = nullptr;
};
Member member(const Node& map, std::string_view name);

// The entry of dbs with that path, absolute; nullptr when there is none.
const Node* find_entry(const Node& databases, const std::string& path);

// The raw text, with places found in the expanded one. One edit only: it moves the places behind it.
class YamlEdit {
 public:
  YamlEdit(std::string raw, const LoadOptions& options);

  replica::Result<Node> document() const { return parse_yaml(expansion_.text); }
  std::string take() && { return std::move(raw_); }

  replica::Result<void> set_enabled(const Node& entry, bool enabled);
  // Behind the last entry, in the style of the list.
  replica::Result<void> add_entry(const Node& document, const DatabaseSettings& settings, bool enabled);
  // In block style the entry's own lines, with the comments between them and those below it that are indented deeper
  // than its dash. Comments above it stay. A list that gets empty becomes [].
  replica::Result<void> remove_entry(const Node& document, const Node& entry);

 private:
  struct Range {
    std::size_t begin = 0, end = 0;
  };

  std::size_t place(std::size_t at) const { return expansion_.origin(at); }
  bool is_flow(const Node& node) const;
  std::size_t begin_of(const Node& node) const;
  std::string indent_of(std::size_t at) const;
  void insert_after(const Node::Key& key, const std::string& text);
  void insert(const Node& map, const std::string& text);
  std::size_t line_begin(std::size_t at) const;
  std::size_t line_end(std::size_t at) const;
  Range block_entry(const Node& list, const Node& entry) const;
  replica::Result<Range> flow_entry(const Node& entry) const;
  replica::Result<void> fill_empty(const Member& databases, const DatabaseSettings& settings, bool enabled);

  std::string raw_;
  Expansion expansion_;
};

// One entry of dbs with the keys that differ from the defaults: in block form, each line but the first behind `indent`…
std::string entry_text(const DatabaseSettings& settings, bool enabled, const std::string& indent);
// …and in braces.
std::string flow_entry_text(const DatabaseSettings& settings, bool enabled);

}  // namespace config

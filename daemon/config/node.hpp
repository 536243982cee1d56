// A YAML document as plain values with line numbers: what the key tables read from. Only yaml.cpp knows the parser.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "replica/result.hpp"

namespace config {

struct Node {
  enum class Kind { null, scalar, sequence, map };
  struct Key {
    std::string name;
    int line = 0;
    std::size_t at = 0;   // offset in the text
    bool merged = false;  // comes from another map, by <<
  };

  Kind kind = Kind::null;
  int line = 0;             // 1-based
  std::size_t at = 0;       // offset in the text; 0 when there is nothing, as for `key:`
  std::string text;         // of a scalar
  bool plain = true;        // scalar without quotes: may be a number, a boolean or null
  std::vector<Key> keys;    // of a map; keys[i] names items[i]
  std::vector<Node> items;  // of a sequence or a map
};

// Parses one document. Errors begin with "LINE: ". An empty document is null. Merge keys (<<) are resolved; a key given
// twice in a map is an error.
replica::Result<Node> parse_yaml(const std::string& text);

}  // namespace config

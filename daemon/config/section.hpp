// One table of keys per section of the file: what may stand there, how it is read and what it means.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "config/scalar.hpp"

namespace config {

template <class T>
struct Key {
  using Read = replica::Result<void> (*)(const Spot&, const Node&, T&);
  std::string_view name;
  Read read = nullptr;
  std::string_view type{};
  std::string_view doc{};  // empty: not shown
};

template <class T>
struct Table {
  std::span<const Key<T>> keys;
  std::span<const std::string_view> peer_only{};  // keys of the peer that this build does not support
  // More keys, from another table: false when `name` is none of them.
  replica::Result<bool> (*read_more)(const Spot&, std::string_view name, const Node&, T&) = nullptr;
  std::vector<std::string_view> (*more_names)() = nullptr;
};

template <class M>
struct MemberOf;
template <class T, class V>
struct MemberOf<V T::*> {
  using Owner = T;
  using Value = V;
};

// Reads a scalar into the member.
template <auto Member>
constexpr auto field(std::string_view name, std::string_view doc) {
  using Owner = typename MemberOf<decltype(Member)>::Owner;
  using Value = typename MemberOf<decltype(Member)>::Value;
  return Key<Owner>{name,
                    [](const Spot& spot, const Node& node, Owner& out) { return assign(spot, node, out.*Member); },
                    type_name(static_cast<const Value*>(nullptr)), doc};
}

// The candidate nearest to `word`, or empty when none is near.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates);

// Success unless null or a map.
replica::Result<void> expect_map(const Spot& spot, const Node& node);
replica::Failure fail_unknown_key(const Spot& section, const Node::Key& key,
                                  const std::vector<std::string_view>& known);
replica::Failure fail_unsupported_key(const Spot& section, const Node::Key& key);
Spot below(const Spot& section, std::string_view key, int line);

template <class T>
replica::Result<void> read_key(const Spot& section, const Node::Key& name, const Node& value, const Table<T>& table,
                               T& out) {
  const auto key =
      std::find_if(table.keys.begin(), table.keys.end(), [&](const auto& k) { return k.name == name.name; });
  if (key != table.keys.end()) return key->read(below(section, name.name, name.line), value, out);
  if (table.read_more != nullptr) {
    auto read = table.read_more(below(section, name.name, name.line), name.name, value, out);
    if (!read) return replica::pass(read);
    if (*read) return {};
  }
  if (std::find(table.peer_only.begin(), table.peer_only.end(), name.name) != table.peer_only.end()) {
    if (value.kind == Node::Kind::null) return {};  // says nothing, as for every key
    return fail_unsupported_key(section, name);
  }
  std::vector<std::string_view> known;
  if (table.more_names != nullptr) known = table.more_names();
  for (const Key<T>& k : table.keys) known.push_back(k.name);
  return fail_unknown_key(section, name, known);
}

template <class T>
replica::Result<void> read_section(const Spot& section, const Node& node, const Table<T>& table, T& out) {
  if (auto r = expect_map(section, node); !r) return r;
  for (std::size_t i = 0; i < node.keys.size(); ++i)
    if (auto r = read_key(section, node.keys[i], node.items[i], table, out); !r) return r;
  return {};
}

// A list whose elements `read` reads.
template <class T>
replica::Result<void> read_list(const Spot& spot, const Node& node, std::vector<T>& out,
                                replica::Result<void> (*read)(const Spot&, const Node&, T&)) {
  if (node.kind == Node::Kind::null) return {};
  if (node.kind != Node::Kind::sequence) return fail_at(spot, "expected a list");
  out.clear();
  out.reserve(node.items.size());
  for (const Node& item : node.items) {
    const Spot at{spot.path + "[" + std::to_string(out.size()) + "]", item.line};
    out.emplace_back();
    if (auto r = read(at, item, out.back()); !r) return r;
  }
  return {};
}

// The keys of a section, one a line, for -help-config.
template <class T>
void describe(std::string& out, std::string_view title, std::span<const Key<T>> table) {
  out += title;
  out += '\n';
  for (const Key<T>& key : table) {
    if (key.doc.empty()) continue;
    std::string line = "  " + std::string(key.name);
    line.resize(std::max<std::size_t>(line.size() + 1, 32), ' ');
    line += key.type;
    line.resize(std::max<std::size_t>(line.size() + 1, 42), ' ');
    out += line + std::string(key.doc) + '\n';
  }
}

}  // namespace config

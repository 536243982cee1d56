#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "config/node.hpp"

namespace config {

using replica::Errc;
using replica::fail;
using replica::Result;

namespace {

// Aliases make trees out of little text; a hostile document must not make one that fills the memory.
constexpr int kMaxDepth = 32;
constexpr std::size_t kMaxNodes = 8'000'000;

bool is_null_word(std::string_view text) {
  constexpr std::array<std::string_view, 5> kWords{"", "~", "null", "Null", "NULL"};
  return std::find(kWords.begin(), kWords.end(), text) != kWords.end();
}

replica::Failure fail_at(int line, const std::string& message) {
  return fail(Errc::invalid_argument, std::to_string(line) + ": " + message);
}

class Converter {
 public:
  Result<Node> convert(const YAML::Node& from, int line, int depth) {
    if (depth > kMaxDepth) return fail_at(line, "yaml: nested too deeply");
    if (++nodes_ > kMaxNodes) return fail_at(line, "yaml: too many values");
    Node node;
    node.line = line;
    node.at = offset_of(from);
    switch (from.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null:
        return node;
      case YAML::NodeType::Scalar:
        return scalar(from, std::move(node));
      case YAML::NodeType::Sequence:
        return sequence(from, std::move(node), depth);
      case YAML::NodeType::Map:
        return map(from, std::move(node), depth);
    }
    return node;
  }

 private:
  static Node scalar(const YAML::Node& from, Node node) {
    node.plain = from.Tag() != "!" && from.Tag() != "tag:yaml.org,2002:str";
    node.text = from.Scalar();
    node.kind = node.plain && is_null_word(node.text) ? Node::Kind::null : Node::Kind::scalar;
    return node;
  }

  Result<Node> sequence(const YAML::Node& from, Node node, int depth) {
    node.kind = Node::Kind::sequence;
    for (const YAML::Node& item : from) {
      auto child = convert(item, line_of(item, node.line), depth + 1);
      if (!child) return child;
      node.items.push_back(std::move(*child));
    }
    return node;
  }

  Result<Node> map(const YAML::Node& from, Node node, int depth) {
    node.kind = Node::Kind::map;
    std::vector<Node> merged;
    for (const auto& entry : from) {
      const int line = line_of(entry.first, node.line);
      if (!entry.first.IsScalar()) return fail_at(line, "yaml: a key must be a plain word");
      const std::string& name = entry.first.Scalar();
      auto child = convert(entry.second, line, depth + 1);
      if (!child) return child;
      if (name == "<<" && entry.first.Tag() != "!") {
        if (auto r = collect_merge(std::move(*child), merged); !r) return replica::pass(r);
        continue;
      }
      if (index_of(node, name)) return fail_at(line, "key \"" + name + "\" is given twice");
      node.keys.push_back({.name = name, .line = line, .at = offset_of(entry.first)});
      node.items.push_back(std::move(*child));
    }
    for (Node& source : merged) merge(node, std::move(source));
    return node;
  }

  static Result<void> collect_merge(Node value, std::vector<Node>& merged) {
    if (value.kind == Node::Kind::map) {
      merged.push_back(std::move(value));
      return {};
    }
    if (value.kind != Node::Kind::sequence) return fail_at(value.line, "yaml: map merge requires a map");
    for (Node& item : value.items) {
      if (item.kind != Node::Kind::map) return fail_at(item.line, "yaml: map merge requires a map");
      merged.push_back(std::move(item));
    }
    return {};
  }

  // What the map says itself, and what was merged before, wins.
  static void merge(Node& node, Node source) {
    for (std::size_t i = 0; i < source.keys.size(); ++i) {
      if (index_of(node, source.keys[i].name)) continue;
      node.keys.push_back(std::move(source.keys[i]));
      node.keys.back().merged = true;
      node.items.push_back(std::move(source.items[i]));
    }
  }

  static bool index_of(const Node& node, std::string_view name) {
    return std::any_of(node.keys.begin(), node.keys.end(), [&](const Node::Key& k) { return k.name == name; });
  }

  static int line_of(const YAML::Node& node, int otherwise) {
    return node.Mark().is_null() ? otherwise : node.Mark().line + 1;
  }

  static std::size_t offset_of(const YAML::Node& node) {
    return node.Mark().is_null() ? 0 : static_cast<std::size_t>(node.Mark().pos);
  }

  std::size_t nodes_ = 0;
};

// Hears of what is in a document and keeps nothing.
class Unheard final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

// Up to 2. YAML::LoadAll takes what stands between two documents, as in "[a], b", for ever more of them.
int count_documents(const std::string& text) {
  std::istringstream in(text);
  YAML::Parser parser(in);
  Unheard handler;
  int count = 0;
  while (count < 2 && parser.HandleNextDocument(handler)) ++count;
  return count;
}

}  // namespace

Result<Node> parse_yaml(const std::string& text) {
  try {
    const int documents = count_documents(text);
    if (documents == 0) return Node{};
    if (documents > 1) return fail_at(1, "yaml: more than one document in the file");
    return Converter().convert(YAML::Load(text), 1, 0);
  } catch (const YAML::Exception& e) {
    return fail_at(std::max(e.mark.line, 0) + 1, "yaml: " + e.msg);
  }
}

}  // namespace config

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
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

// The document from the events of the parser. A tree of the parser's own would take several times the memory, and
// another pass.
class Builder final : public YAML::EventHandler {
 public:
  Result<Node> take() { return failure_ ? Result<Node>(std::move(*failure_)) : Result<Node>(std::move(root_)); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    begin(mark, anchor);
    end();
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    begin(mark, anchor);
    if (!failure_) {
      Node& node = open_.back().node;
      node.plain = tag != "!" && tag != "tag:yaml.org,2002:str";
      node.text = value;
      node.kind = node.plain && is_null_word(value) ? Node::Kind::null : Node::Kind::scalar;
      open_.back().is_word = true;
      open_.back().is_quoted = tag == "!";
    }
    end();
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    begin(mark, anchor);
    if (!failure_) open_.back().node.kind = Node::Kind::sequence;
  }
  void OnSequenceEnd() override { end(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    begin(mark, anchor);
    if (!failure_) open_.back().node.kind = Node::Kind::map;
  }
  void OnMapEnd() override { end(); }

  // What the anchor names, once more.
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (failure_) return;
    const auto named = anchors_.find(anchor);
    if (named == anchors_.end()) return refuse(mark.line + 1, "yaml: nested too deeply");  // it is within itself
    const Extent extent = extent_of(named->second.node);
    nodes_ += extent.nodes;
    if (nodes_ > kMaxNodes) return refuse(mark.line + 1, "yaml: too many values");
    if (static_cast<int>(open_.size()) + extent.depth > kMaxDepth)
      return refuse(mark.line + 1, "yaml: nested too deeply");
    Open copy = named->second;
    copy.anchor = 0;
    copy.node.line = line_for(copy.marked_line);
    open_.push_back(std::move(copy));
    finish();
  }

 private:
  struct Open {
    Node node{};
    YAML::anchor_t anchor = 0;
    int marked_line = 0;  // 0: nowhere
    bool is_word = false, is_quoted = false;
    std::optional<Node::Key> key{};  // of a map: its value comes next
    bool merges = false;             // that key is <<
    std::vector<Node> merged{};
  };
  struct Extent {
    std::size_t nodes = 1;
    int depth = 0;
  };

  static Extent extent_of(const Node& node) {
    Extent all;
    for (const Node& item : node.items) {
      const Extent one = extent_of(item);
      all.nodes += one.nodes;
      all.depth = std::max(all.depth, one.depth + 1);
    }
    return all;
  }

  void refuse(int line, const std::string& message) {
    if (!failure_) failure_ = fail_at(line, message);
  }

  // Of what begins now: a value is said to be where its key is.
  int line_for(int marked_line) const {
    if (open_.empty()) return 1;
    const Open& parent = open_.back();
    if (parent.key) return parent.key->line;
    return marked_line == 0 ? parent.node.line : marked_line;
  }

  void begin(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (failure_) return;
    Open open;
    open.anchor = anchor;
    open.marked_line = mark.is_null() ? 0 : mark.line + 1;
    open.node.line = line_for(open.marked_line);
    open.node.at = mark.is_null() ? 0 : static_cast<std::size_t>(mark.pos);
    if (static_cast<int>(open_.size()) > kMaxDepth) return refuse(open.node.line, "yaml: nested too deeply");
    if (++nodes_ > kMaxNodes) return refuse(open.node.line, "yaml: too many values");
    open_.push_back(std::move(open));
  }

  void end() {
    if (failure_) return;
    Open& open = open_.back();
    for (Node& source : open.merged) merge(open.node, std::move(source));
    open.merged.clear();
    open.node.keys.shrink_to_fit();
    open.node.items.shrink_to_fit();
    if (open.anchor != 0) anchors_[open.anchor] = open;
    finish();
  }

  // Hands what is complete to what it is part of.
  void finish() {
    Open done = std::move(open_.back());
    open_.pop_back();
    if (open_.empty()) {
      root_ = std::move(done.node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == Node::Kind::sequence) {
      parent.node.items.push_back(std::move(done.node));
    } else if (!parent.key) {
      if (!done.is_word) return refuse(done.node.line, "yaml: a key must be a plain word");
      parent.merges = done.node.text == "<<" && !done.is_quoted;
      parent.key = Node::Key{.name = std::move(done.node.text), .line = done.node.line, .at = done.node.at};
    } else {
      add_value(parent, std::move(done.node));
    }
  }

  void add_value(Open& map, Node value) {
    Node::Key key = std::move(*map.key);
    map.key.reset();
    if (map.merges) return collect_merge(std::move(value), map.merged);
    if (index_of(map.node, key.name)) return refuse(key.line, "key \"" + key.name + "\" is given twice");
    map.node.keys.push_back(std::move(key));
    map.node.items.push_back(std::move(value));
  }

  void collect_merge(Node value, std::vector<Node>& merged) {
    if (value.kind == Node::Kind::map) {
      merged.push_back(std::move(value));
      return;
    }
    if (value.kind != Node::Kind::sequence) return refuse(value.line, "yaml: map merge requires a map");
    for (Node& item : value.items) {
      if (item.kind != Node::Kind::map) return refuse(item.line, "yaml: map merge requires a map");
      merged.push_back(std::move(item));
    }
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

  std::vector<Open> open_;  // from the outermost on
  std::map<YAML::anchor_t, Open> anchors_;
  Node root_;
  std::optional<replica::Failure> failure_;
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

}  // namespace

Result<Node> parse_yaml(const std::string& text) {
  try {
    std::istringstream in(text);
    YAML::Parser parser(in);
    Builder builder;
    if (!parser.HandleNextDocument(builder)) return Node{};
    // YAML::LoadAll takes what stands between two documents, as in "[a], b", for ever more of them.
    Unheard second;
    if (parser.HandleNextDocument(second)) return fail_at(1, "yaml: more than one document in the file");
    return builder.take();
  } catch (const YAML::Exception& e) {
    return fail_at(std::max(e.mark.line, 0) + 1, "yaml: " + e.msg);
  }
}

}  // namespace config

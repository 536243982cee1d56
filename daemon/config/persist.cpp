#include "config/persist.hpp"

#include <algorithm>

#include "config/replace_file.hpp"
#include "config/yaml_edit.hpp"

namespace config {

using replica::Errc;
using replica::fail;
using replica::Result;

namespace {

constexpr const char* kHint = "write the state into the file by hand, or set socket.persist-to-config to false";

replica::Failure cannot(const std::string& why) { return fail(Errc::invalid_argument, why, kHint); }

Result<Config> read(const std::string& raw, const LoadOptions& options) {
  return parse(options.expand_environment ? expand_environment(raw, options.environment) : raw, "line");
}

// Passwords are not copied from one file into another. That is right when this file has them already, for all replicas.
bool has_secrets_of(const DatabaseSettings& added, const DatabaseSettings& written) {
  const auto ours = added.all_replicas(), theirs = written.all_replicas();
  return std::equal(ours.begin(), ours.end(), theirs.begin(), theirs.end(),
                    [](const auto* a, const auto* b) { return a->store == b->store; });
}

Result<void> check_enabled(const Config& after, const Config& before, const SetEnabled& change) {
  const DatabaseSettings* found = after.find(change.path);
  const std::size_t added = before.find(change.path) == nullptr ? 1 : 0;
  if (found == nullptr || found->enabled != change.enabled || after.databases.size() != before.databases.size() + added)
    return cannot("no place for the state of " + change.path + " was found");
  if (added > 0 && change.added != nullptr && !has_secrets_of(*change.added, *found))
    return fail(Errc::invalid_argument,
                "the secrets of the replica of " + change.path + " are not copied into this file",
                "give the database an entry with them, or set them at the top of the file or in the environment");
  for (const DatabaseSettings& db : before.databases) {
    const DatabaseSettings* now = after.find(db.path);
    if (now == nullptr || (db.path != change.path && now->enabled != db.enabled))
      return cannot("the change would touch other databases too");
  }
  return {};
}

Result<std::string> changed(const std::string& raw, const SetEnabled& change, const Config& before,
                            const LoadOptions& options) {
  YamlEdit edit(raw, options);
  const auto document = edit.document();
  if (!document) return cannot(document.error().message);
  const Node* databases = member(*document, "dbs").value;
  const Node* entry = databases == nullptr ? nullptr : find_entry(*databases, change.path);
  if (entry != nullptr) {
    if (before.find(change.path)->enabled == change.enabled) return raw;
    if (auto r = edit.set_enabled(*entry, change.enabled); !r) return replica::pass(r);
  } else if (change.added != nullptr) {
    if (auto r = edit.add_entry(*document, *change.added, change.enabled); !r) return replica::pass(r);
  } else {
    return fail(Errc::not_found, "the file has no entry for " + change.path, kHint);
  }
  std::string text = std::move(edit).take();
  const auto after = read(text, options);
  if (!after) return cannot("the changed file would not be valid: " + after.error().message);
  if (auto r = check_enabled(*after, before, change); !r) return replica::pass(r);
  return text;
}

// But for the places in the text.
bool same(const Node& a, const Node& b) {
  return a.kind == b.kind && a.text == b.text && a.plain == b.plain &&
         std::equal(a.keys.begin(), a.keys.end(), b.keys.begin(), b.keys.end(),
                    [](const Node::Key& x, const Node::Key& y) { return x.name == y.name; }) &&
         std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(), same);
}

// The document as it has to be when `entry` of dbs is gone.
Node without(Node document, const Node& entry, const Node& original) {
  const std::size_t key = static_cast<std::size_t>(member(original, "dbs").value - original.items.data());
  const std::size_t index = static_cast<std::size_t>(&entry - original.items[key].items.data());
  Node& list = document.items[key];
  list.items.erase(list.items.begin() + static_cast<std::ptrdiff_t>(index));
  return document;
}

Result<std::string> changed(const std::string& raw, const RemoveEntry& change, const Config&,
                            const LoadOptions& options) {
  YamlEdit edit(raw, options);
  const auto document = edit.document();
  if (!document) return cannot(document.error().message);
  const Node* databases = member(*document, "dbs").value;
  const Node* entry = databases == nullptr ? nullptr : find_entry(*databases, change.path);
  if (entry == nullptr) return raw;
  if (auto r = edit.remove_entry(*document, *entry); !r) return replica::pass(r);
  std::string text = std::move(edit).take();
  const auto after = YamlEdit(text, options).document();
  if (!after) return cannot("the changed file would not be valid: " + after.error().message);
  if (!same(*after, without(*document, *entry, *document)))
    return cannot("the entry of " + change.path + " cannot be taken out on its own");
  if (const auto config = read(text, options); !config)
    return cannot("the changed file would not be valid: " + config.error().message);
  return text;
}

}  // namespace

Result<std::string> with_change(const std::string& raw, const Change& change, const LoadOptions& options) {
  const auto before = read(raw, options);
  if (!before) return cannot("the file is not valid any more: " + before.error().message);
  return std::visit([&](const auto& one) { return changed(raw, one, *before, options); }, change);
}

Result<void> persist(const std::string& file, const Change& change, const LoadOptions& options, KnownFile& known) {
  auto raw = read_file(file);
  if (!raw) return replica::pass(raw);
  auto text = with_change(*raw, change, options);
  if (text && *text == *raw) return {};
  if (!known.is(*raw))
    return fail(Errc::precondition_failed, "it was changed by somebody else since it was read",
                "make the daemon read it again (SIGHUP), or write the state into it by hand");
  if (!text) return replica::pass(text);
  if (auto r = replace_file(file, *text); !r) return r;
  known.note_written(*text);
  return {};
}

}  // namespace config

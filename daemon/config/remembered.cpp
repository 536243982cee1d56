#include "config/remembered.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace config {
namespace {

constexpr std::size_t kRecent = 16;

template <class Visit>
void each_replica(DatabaseSettings& settings, const Visit& visit) {
  if (settings.replica) visit(*settings.replica);
  for (ReplicaSettings& one : settings.replicas) visit(one);
}

// The texts in which databases differ as a rule.
template <class Visit>
void each_own(DatabaseSettings& settings, const Visit& visit) {
  visit(settings.path);
  visit(settings.meta_path);
  each_replica(settings, [&](ReplicaSettings& one) {
    for (std::string* text : {&one.root, &one.key_prefix, &one.location}) visit(*text);
  });
}

}  // namespace

Remembered::Remembered(const std::vector<DatabaseSettings>& databases) {
  items_.reserve(databases.size());
  for (const DatabaseSettings& one : databases) items_.push_back(packed(one));
  std::sort(items_.begin(), items_.end(), [](const Item& a, const Item& b) { return a.path() < b.path(); });
}

Remembered::Item Remembered::packed(const DatabaseSettings& settings) {
  DatabaseSettings shape = settings;
  shape.line = 0;
  each_replica(shape, [](ReplicaSettings& one) {
    one.line = 0;
    one.url.clear();
    one.path.clear();
  });
  std::vector<std::string> own;
  each_own(shape, [&](std::string& text) { own.push_back(std::exchange(text, std::string())); });
  PackedTexts texts(own);
  const auto known = std::find_if(recent_.rbegin(), recent_.rend(), [&](const auto& one) { return *one == shape; });
  if (known != recent_.rend()) return {std::move(texts), *known};
  if (recent_.size() == kRecent) recent_.erase(recent_.begin());
  recent_.push_back(std::make_shared<const DatabaseSettings>(std::move(shape)));
  return {std::move(texts), recent_.back()};
}

std::vector<Remembered::Item>::const_iterator Remembered::at(std::string_view path) const {
  return std::lower_bound(items_.begin(), items_.end(), path,
                          [](const Item& item, std::string_view wanted) { return item.path() < wanted; });
}

std::optional<DatabaseSettings> Remembered::find(std::string_view path) const {
  const auto found = at(path);
  if (found == items_.end() || found->path() != path) return std::nullopt;
  DatabaseSettings out = *found->shape;
  PackedTexts::Reader reader(found->texts);
  each_own(out, [&](std::string& own) { own = reader.next(); });
  return out;
}

std::vector<std::string> Remembered::paths() const {
  std::vector<std::string> out;
  out.reserve(items_.size());
  for (const Item& item : items_) out.emplace_back(item.path());
  return out;
}

std::size_t Remembered::shapes() const {
  std::set<const DatabaseSettings*> all;
  for (const Item& item : items_) all.insert(item.shape.get());
  return all.size();
}

void Remembered::put(const DatabaseSettings& settings) {
  erase(settings.path);
  items_.insert(at(settings.path), packed(settings));
}

void Remembered::erase(std::string_view path) {
  const auto found = at(path);
  if (found != items_.end() && found->path() == path) items_.erase(found);
}

}  // namespace config

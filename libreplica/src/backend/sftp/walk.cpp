#include "backend/sftp/walk.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace replica::backend::sftp {
namespace {

class Walk {
 public:
  Walk(Pool& pool, const std::string& root, std::string_view prefix, std::string_view after,
       const Backend::Visitor& visitor, const Call& call)
      : pool_(pool), root_(root), prefix_(prefix), after_(after), visitor_(visitor), call_(call) {}

  // Straight to the folder the prefix names.
  Result<void> run() {
    auto done = folder(std::string(prefix_.substr(0, prefix_.rfind('/') + 1)));
    return done ? Result<void>() : pass(done);
  }

 private:
  // The key is a folder's when it ends in '/': sorted like that, walking them in order gives ascending keys.
  struct Child {
    std::string key;
    Attributes attributes;
    std::string linked_from{};  // the folder a link to a folder lies in, as the server resolves it
  };

  std::string path_of(std::string_view key) const { return base::concat(root_, "/", key); }
  bool may_hold(const std::string& key) const {
    return key.starts_with(prefix_) && (key > after_ || (key.ends_with('/') && after_.starts_with(key)));
  }
  Result<std::vector<Child>> children(const std::string& base);
  Result<bool> resolve(Client& client, const std::string& base, Child& child);
  Result<bool> is_circle(Client& client, const std::string& base, Child& link);
  // False when the visitor has had enough.
  Result<bool> folder(const std::string& base);

  Pool& pool_;
  const std::string& root_;
  std::string_view prefix_, after_;
  const Backend::Visitor& visitor_;
  const Call& call_;
  std::vector<std::string> above_;  // every linked_from on the way to where we are
};

// A link back to a folder we are in would never end.
Result<bool> Walk::is_circle(Client& client, const std::string& base, Child& link) {
  auto here = client.real_path(path_of(base), call_);
  if (!here) return pass(here);
  auto target = client.real_path(path_of(link.key), call_);
  if (!target) return pass(target);
  const auto leads_back = [&](const std::string& path) { return (path + "/").starts_with(*target + "/"); };
  link.linked_from = std::move(*here);
  return leads_back(link.linked_from) || std::any_of(above_.begin(), above_.end(), leads_back);
}

// What a link leads to; false when that is nothing to list.
Result<bool> Walk::resolve(Client& client, const std::string& base, Child& child) {
  auto target = client.stat(path_of(child.key), call_);
  if (!target) return target.error().code == Errc::not_found ? Result<bool>(false) : pass(target);
  child.attributes = *target;
  if (!target->is_directory()) return target->is_regular();
  auto circle = is_circle(client, base, child);
  if (!circle) return pass(circle);
  return !*circle;
}

Result<std::vector<Walk::Child>> Walk::children(const std::string& base) {
  auto client = pool_.acquire(call_);
  if (!client) return pass(client);
  std::vector<Child> found;
  auto entries = (*client)->read_directory(path_of(base), call_);
  if (!entries && entries.error().code == Errc::not_found) return found;
  if (!entries) return pass(entries);
  for (Entry& entry : *entries) {
    if (entry.name.empty() || entry.name == "." || entry.name == ".." || entry.name.find('/') != std::string::npos) {
      continue;
    }
    Child child{base + entry.name, entry.attributes, {}};
    if (child.attributes.is_link()) {
      if (!may_hold(child.key) && !may_hold(child.key + "/")) continue;
      auto wanted = resolve(**client, base, child);
      if (!wanted) return pass(wanted);
      if (!*wanted) continue;
    }
    if (child.attributes.is_directory()) child.key += '/';
    // Files nobody has put here: unfinished ones, and names that are no keys.
    else if (!child.attributes.is_regular() || !check_key(child.key))
      continue;
    if (may_hold(child.key)) found.push_back(std::move(child));
  }
  std::sort(found.begin(), found.end(), [](const Child& a, const Child& b) { return a.key < b.key; });
  return found;
}

Result<bool> Walk::folder(const std::string& base) {
  if (auto going = call_.check(base::concat("list ", prefix_)); !going) return pass(going);
  auto found = children(base);
  if (!found) return pass(found);
  for (const Child& child : *found) {
    if (!child.key.ends_with('/')) {
      if (!visitor_({child.key, child.attributes.size.value_or(0), child.attributes.modified_at()})) return false;
      continue;
    }
    if (!child.linked_from.empty()) above_.push_back(child.linked_from);
    auto more = folder(child.key);
    if (!more || !*more) return more;
    if (!child.linked_from.empty()) above_.pop_back();
  }
  return true;
}

}  // namespace

Result<void> walk(Pool& pool, const std::string& root, std::string_view prefix, std::string_view after,
                  const Backend::Visitor& visitor, const Call& call) {
  if (auto valid = check_prefix(prefix); !valid) return valid;
  if (auto going = call.check(base::concat("list ", prefix)); !going) return going;
  return Walk(pool, root, prefix, after, visitor, call).run();
}

}  // namespace replica::backend::sftp

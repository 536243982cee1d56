#include <algorithm>

#include "backend/webdav/folders.hpp"
#include "base/text.hpp"

namespace replica::webdav {
namespace {

class Walk {
 public:
  Walk(Server& server, std::string_view prefix, std::string_view wanted, std::string_view after,
       const Backend::Visitor& visitor, const Call& call)
      : server_(server),
        prefix_(prefix),
        wanted_(wanted),
        after_(after),
        visitor_(visitor),
        call_(call),
        what_(base::concat("list ", wanted)) {}

  // Straight to the folder the prefix names.
  Result<void> run() {
    auto done = folder(std::string(wanted_.substr(0, wanted_.rfind('/') + 1)));
    return done ? Result<void>() : pass(done);
  }

 private:
  bool may_hold(const std::string& key) const {
    return key.starts_with(wanted_) && (key > after_ || (key.ends_with('/') && after_.starts_with(key)));
  }
  Result<std::vector<ObjectInfo>> children(const std::string& base);
  // False when the visitor has had enough.
  Result<bool> folder(const std::string& base);

  Server& server_;
  std::string_view prefix_, wanted_, after_;
  const Backend::Visitor& visitor_;
  const Call& call_;
  const std::string what_;
};

// The key is a folder's when it ends in '/': sorted like that, walking them in order gives ascending keys.
Result<std::vector<ObjectInfo>> Walk::children(const std::string& base) {
  auto found = server_.find(base::concat(prefix_, base), true, what_, call_);
  if (!found) return pass(found);
  std::vector<ObjectInfo> out;
  if (found->empty() || !found->front().is_folder) return out;
  const std::size_t begin = found->front().path.size() + 1;
  for (std::size_t i = 1; i < found->size(); ++i) {
    const Resource& one = (*found)[i];
    const std::string name = one.path.substr(begin);
    // A slash is one of a name that was encoded: no key.
    if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos) continue;
    std::string key = base + name;
    if (one.is_folder) key += '/';
    // Files nobody has put here: unfinished ones, and names that are no keys.
    if (!one.is_folder && !check_key(key)) continue;
    if (may_hold(key)) out.push_back({.key = std::move(key), .size = one.size, .modified_at = one.modified_at});
  }
  std::sort(out.begin(), out.end(), [](const ObjectInfo& a, const ObjectInfo& b) { return a.key < b.key; });
  return out;
}

Result<bool> Walk::folder(const std::string& base) {
  if (auto going = call_.check(what_); !going) return pass(going);
  auto found = children(base);
  if (!found) return pass(found);
  for (const ObjectInfo& child : *found) {
    if (!child.key.ends_with('/')) {
      if (!visitor_(child)) return false;
      continue;
    }
    auto more = folder(child.key);
    if (!more || !*more) return more;
  }
  return true;
}

}  // namespace

Result<void> walk(Server& server, std::string_view prefix, std::string_view wanted, std::string_view after,
                  const Backend::Visitor& visitor, const Call& call) {
  if (auto valid = check_prefix(wanted); !valid) return valid;
  return Walk(server, prefix, wanted, after, visitor, call).run();
}

}  // namespace replica::webdav

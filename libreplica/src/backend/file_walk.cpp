#include <algorithm>
#include <utility>

#include "backend/file_layout.hpp"
#include "base/text.hpp"
#include "io/directory.hpp"

namespace replica::backend {
namespace {

constexpr std::size_t kBetweenChecks = 256;

class Walk {
 public:
  Walk(const std::string& root, std::string_view prefix, std::string_view after, const Backend::Visitor& visitor,
       const Call& call, io::Gate* gate)
      : root_(root), prefix_(prefix), after_(after), visitor_(visitor), call_(call), gate_(gate) {}

  Result<void> run();

 private:
  // Names of folders are empty or end in '/'. False when the visitor has had enough.
  Result<bool> folder(const std::string& base);
  Result<bool> enter(const std::string& base);
  using Identity = std::pair<std::uint64_t, std::uint64_t>;  // device, inode
  Result<std::vector<std::string>> children(io::Directory& directory, const std::string& base);
  Result<bool> object(const io::Directory& directory, const std::string& key);
  bool may_hold(const std::string& key) const;

  const std::string& root_;
  std::string_view prefix_, after_;
  const Backend::Visitor& visitor_;
  const Call& call_;
  io::Gate* gate_;
  std::vector<Identity> above_;  // folders we are in: a symbolic link back to one of them would never end
  std::size_t seen_ = 0;
};

bool Walk::may_hold(const std::string& key) const {
  if (!key.starts_with(prefix_)) return false;
  return key > after_ || (key.ends_with('/') && after_.starts_with(key));
}

// Keys of what is in a folder, folders with a '/' at the end: sorted like that, walking them in order gives ascending
// keys.
Result<std::vector<std::string>> Walk::children(io::Directory& directory, const std::string& base) {
  auto entries = directory.entries();
  if (!entries) return pass(entries);
  std::vector<std::string> keys;
  for (auto& [name, kind] : *entries) {
    bool is_folder = kind == io::Directory::Kind::directory;
    if (kind == io::Directory::Kind::unknown) {
      auto info = directory.info(name);
      if (!info) return pass(info);
      is_folder = *info && (*info)->is_directory;
    }
    std::string key = base + name;
    // Files nobody has put here: unfinished ones, and names that are no keys.
    if (!is_folder && !check_key(key)) continue;
    if (is_folder) key += '/';
    if (may_hold(key)) keys.push_back(std::move(key));
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

Result<bool> Walk::object(const io::Directory& directory, const std::string& key) {
  if (seen_++ % kBetweenChecks == 0) {
    if (auto going = call_.check(base::concat("list ", prefix_)); !going) return pass(going);
  }
  auto info = directory.info(key.substr(key.rfind('/') + 1));
  if (!info) return pass(info);
  if (!*info || !(*info)->is_regular) return true;
  return visitor_({.key = key, .size = (*info)->size, .modified_at = (*info)->modified_at});
}

// False when there is no such folder, or when we are in it already.
Result<bool> Walk::enter(const std::string& base) {
  auto info = io::stat_path(root_ + "/" + base);
  if (!info && info.error().code != Errc::not_found) return pass(info);
  if (!info || !info->is_directory) return false;
  const Identity identity{info->device, info->inode};
  if (std::find(above_.begin(), above_.end(), identity) != above_.end()) return false;
  above_.push_back(identity);
  return true;
}

Result<bool> Walk::folder(const std::string& base) {
  auto directory = io::Directory::open(root_ + "/" + base, gate_);
  if (!directory) return pass(directory);
  if (!*directory) return true;
  auto keys = children(**directory, base);
  if (!keys) return pass(keys);
  for (const std::string& key : *keys) {
    if (!key.ends_with('/')) {
      auto more = object(**directory, key);
      if (!more || !*more) return more;
      continue;
    }
    auto entered = enter(key);
    if (!entered) return entered;
    if (!*entered) continue;
    auto more = folder(key);
    if (!more || !*more) return more;
    above_.pop_back();
  }
  return true;
}

// Straight to the folder the prefix names; those above it count as entered, so that a part of the store is listed just
// as it is in a listing of the whole.
Result<void> Walk::run() {
  for (std::size_t end = 0;;) {
    const std::string base(prefix_.substr(0, end));
    auto entered = enter(base);
    if (!entered) return pass(entered);
    if (!*entered) return {};
    const std::size_t slash = prefix_.find('/', end);
    if (slash == std::string_view::npos) {
      auto done = folder(base);
      return done ? Result<void>() : pass(done);
    }
    end = slash + 1;
  }
}

}  // namespace

Result<void> walk(const std::string& root, std::string_view prefix, std::string_view after,
                  const Backend::Visitor& visitor, const Call& call, io::Gate* gate) {
  if (auto valid = check_prefix(prefix); !valid) return valid;
  if (auto going = call.check(base::concat("list ", prefix)); !going) return going;
  return Walk(root, prefix, after, visitor, call, gate).run();
}

}  // namespace replica::backend

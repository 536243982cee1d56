#include "backend/listed.hpp"

#include "base/text.hpp"

namespace replica::backend {

using base::concat;

Result<bool> show_listed(const std::vector<ObjectInfo>& objects, const Wanted& wanted, std::string& last,
                         const Backend::Visitor& visitor, const Call& call) {
  for (const ObjectInfo& object : objects) {
    if (auto going = call.check(concat("list ", wanted.prefix)); !going) return pass(going);
    if (object.key <= wanted.start) continue;  // from a store that begins with it, or does not know how to begin
    if (object.key <= last) {
      return fail(Errc::unsupported,
                  concat("list ", wanted.prefix, ": the store does not list in the order of the keys"));
    }
    last = object.key;
    if (!object.key.starts_with(wanted.store_prefix)) continue;
    ObjectInfo shown = object;
    shown.key.erase(0, wanted.store_prefix.size());
    // Markers of folders and whatever else is no key of ours.
    if (!shown.key.starts_with(wanted.prefix) || !check_key(shown.key)) continue;
    if (!visitor(shown)) return false;
  }
  return true;
}

}  // namespace replica::backend

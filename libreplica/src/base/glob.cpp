#include "base/glob.hpp"

#include <vector>

namespace replica::base {

bool matches_glob(std::string_view glob, std::string_view path) {
  // fits[i]: what of the glob was looked at matches the first i bytes of the path.
  std::vector<bool> fits(path.size() + 1), next(path.size() + 1);
  fits[0] = true;
  for (std::size_t at = 0; at < glob.size(); ++at) {
    const bool star = glob[at] == '*';
    const bool crosses = star && at + 1 < glob.size() && glob[at + 1] == '*';
    if (crosses) ++at;
    next[0] = star && fits[0];
    for (std::size_t i = 1; i <= path.size(); ++i) {
      const char c = path[i - 1];
      if (star) {
        next[i] = fits[i] || (next[i - 1] && (crosses || c != '/'));
      } else {
        next[i] = fits[i - 1] && (glob[at] == '?' ? c != '/' : glob[at] == c);
      }
    }
    fits.swap(next);
  }
  return fits[path.size()];
}

}  // namespace replica::base

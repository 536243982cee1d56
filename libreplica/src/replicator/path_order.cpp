#include "replicator/path_order.hpp"

#include <cstddef>

namespace replica::replicator {

bool PathOrder::operator()(std::string_view a, std::string_view b) const {
  const auto skip = [](std::string_view path, std::size_t at) {
    while (at > 0 && at < path.size() && path[at] == '/' && path[at - 1] == '/') ++at;
    return at;
  };
  std::size_t i = 0, j = 0;
  for (;; ++i, ++j) {
    i = skip(a, i);
    j = skip(b, j);
    if (j >= b.size()) return false;
    if (i >= a.size()) return true;
    if (a[i] != b[j]) return a[i] < b[j];
  }
}

}  // namespace replica::replicator

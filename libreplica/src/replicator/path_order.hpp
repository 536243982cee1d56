// Paths as the file system takes them: "a//b" is "a/b".
#pragma once

#include <string_view>

namespace replica::replicator {

struct PathOrder {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const;
};

}  // namespace replica::replicator

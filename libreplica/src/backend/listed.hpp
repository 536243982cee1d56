// One page of a listing, from the keys of a store to ours.
#pragma once

#include <string>
#include <vector>

#include "replica/backend.hpp"

namespace replica::backend {

struct Wanted {
  std::string_view store_prefix;  // in front of all our keys
  std::string_view prefix;        // of our keys
  std::string start;              // key of the store that all come after; empty = from the first
};

// Shows what is wanted of `objects`, which have the keys of the store. False when the visitor has seen enough. `last`
// is the last key of the store that was seen, here or in the page before: one that does not come after it is
// `unsupported`.
Result<bool> show_listed(const std::vector<ObjectInfo>& objects, const Wanted& wanted, std::string& last,
                         const Backend::Visitor& visitor, const Call& call);

}  // namespace replica::backend

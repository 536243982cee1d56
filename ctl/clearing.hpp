// What a verb has put into a user's store goes away with it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "replica/backend.hpp"

namespace litestreamctl {

// `word`, a dash and twelve random hex digits: a prefix that nobody else uses.
std::string own_prefix(std::string_view word);

struct Cleared {
  std::vector<std::string> left;        // keys that could not be taken away, ascending
  std::optional<replica::Error> error;  // why, or why that is not known
};

// Removes what is there below `prefix` and its folders, within a minute. Nobody may put there at the same time.
Cleared clear_below(replica::Backend& backend, const std::string& prefix);

// "3 objects may be left below bench-0123456789ab/: access denied"; for one that has an error.
std::string what_is_left(const Cleared& cleared, const std::string& prefix);

}  // namespace litestreamctl

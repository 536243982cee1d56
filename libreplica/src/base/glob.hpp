// Shell globs in time that no pattern can make explode, as fnmatch(3) may.
#pragma once

#include <string_view>

namespace replica::base {

// `*` any characters, / among them; `?` one; `[a-z]`, `[!a-z]` one of a set; `\` takes the next one literally. A set
// that is not closed stands for itself.
bool matches_glob(std::string_view glob, std::string_view text) noexcept;

}  // namespace replica::base

// Globs over paths.
#pragma once

#include <string_view>

namespace replica::base {

// `*` any characters but /, `**` also /, `?` one that is not /; everything else stands for itself. Time is the product
// of the two lengths, whatever the glob.
bool matches_glob(std::string_view glob, std::string_view path);

}  // namespace replica::base

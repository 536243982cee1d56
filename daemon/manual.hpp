// litestreamd(8), made from the table of its flags and the keys of its configuration.
#pragma once

#include <string>

#include "cli/flags.hpp"

namespace litestreamd {

std::string manual(const cli::Usage& usage);

}  // namespace litestreamd

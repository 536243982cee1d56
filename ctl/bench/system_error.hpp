// errno as an error.
#pragma once

#include <string>

#include "replica/result.hpp"

namespace litestreamctl::bench {

// `number` is an errno: no_space, permission_denied, not_found, else io. "WHAT PATH: No such file or directory"
replica::Failure fail_errno(int number, const std::string& what, const std::string& path);

}  // namespace litestreamctl::bench

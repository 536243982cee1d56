// Addresses as people write them, and the system's errors as they read them.
#pragma once

#include <string>
#include <utility>

#include "control/error.hpp"

namespace control {

// "[::1]:80" → {"::1", "80"}; no value for what has no port.
Result<std::pair<std::string, std::string>> split_address(const std::string& address);

// The text of an errno as people know it from other tools: "no such file or directory".
std::string errno_text(int error);

}  // namespace control

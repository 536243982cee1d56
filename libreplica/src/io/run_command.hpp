// A command line that prints a little, such as one that fetches credentials.
#pragma once

#include <string>

#include "replica/clock.hpp"

namespace replica::io {

// What `command`, run by /bin/sh, writes to its standard output: at most `limit` bytes, more is `corrupt`. Its standard
// error is ours. unavailable when it ends with another status than 0; killed when the Call is over. The text is secret
// to this function: no error shows it.
Result<std::string> run_command(const std::string& command, std::size_t limit, const Call& call);

}  // namespace replica::io

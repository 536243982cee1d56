// Who is at the other end of a socket, for sharing fairly among clients: never for deciding what one may do.
#pragma once

#include <string>

namespace control {

// The process behind a Unix socket ("pid 123"), the address of a TCP client without its port; empty when the system
// does not say.
std::string origin_of(int fd);

}  // namespace control

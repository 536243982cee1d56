// Which process is at the other end of a Unix socket.
#pragma once

#include <optional>

#include "control/access.hpp"

namespace control {

// As the kernel noted it when the connection was made; no value when it does not say.
std::optional<PeerProcess> peer_process(int fd);

}  // namespace control

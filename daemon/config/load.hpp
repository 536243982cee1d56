// The steps between a read document and a usable Config.
#pragma once

#include "config/config.hpp"

namespace config {

// Makes paths absolute, fills what one section gives to another, then checks everything in the order of the peer.
// Messages are the peer's; the hint names FILE:LINE.
replica::Result<void> complete(Config& config);

}  // namespace config

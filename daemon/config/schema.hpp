// The keys of litestream.yml.
#pragma once

#include "config/config.hpp"
#include "config/node.hpp"

namespace config {

// Fills `out` from the document. Errors begin with "LINE: ".
replica::Result<void> read_document(const Node& document, Config& out);

}  // namespace config

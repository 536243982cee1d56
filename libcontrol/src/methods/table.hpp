// The entries of the method table, in its order; each file of this folder makes those of one concern.
#pragma once

#include "control/methods.hpp"

namespace control {

// lifecycle.cpp
Method start_method();
Method stop_method();
// sync.cpp
Method sync_method();
// queries.cpp
Method status_method();
Method list_method();
Method info_method();
// registering.cpp
Method register_method();
Method unregister_method();
Method txid_method();
Method sync_status_method();
// configuration.cpp
Method validate_config_method();
Method diff_config_method();
Method reload_config_method();
Method log_level_method();
// events.cpp
Method position_method();
Method wait_method();
Method watch_method();
// discover.cpp
Method discover_method();

}  // namespace control

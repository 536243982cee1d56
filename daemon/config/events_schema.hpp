// The keys of the section `events`.
#pragma once

#include "config/events_settings.hpp"
#include "config/scalar.hpp"

namespace config {

// Reads and checks. Errors begin with "LINE: ".
replica::Result<void> read_events(const Spot& spot, const Node& node, EventsSettings& out);

// Of the section and those below it, for -help-config.
std::string describe_events();

}  // namespace config

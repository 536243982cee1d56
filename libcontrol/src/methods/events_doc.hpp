// Events as the streams and the documentation write them.
#pragma once

#include <string>
#include <vector>

#include "control/events.hpp"
#include "control/methods.hpp"

namespace control {

std::vector<Field> event_members();

// The chapter of docs/protocol.md, without its heading's members.
std::string events_markdown(const std::string& members);

}  // namespace control

// The engine's events as the control plane and the hooks tell them.
#pragma once

#include "control/events.hpp"
#include "replica/events.hpp"

namespace litestreamd {

control::EventNotice notice(replica::Event event);

}  // namespace litestreamd

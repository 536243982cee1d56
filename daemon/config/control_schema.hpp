// The keys of the section `control`, and those lists of `socket` that name callers.
#pragma once

#include "config/config.hpp"
#include "config/scalar.hpp"

namespace config {

replica::Result<void> read_control(const Spot& spot, const Node& node, ControlSettings& out);
replica::Result<void> read_allow(const Spot& spot, const Node& node, AllowSettings& out);

// One block a section, for -help-config.
std::string describe_control();

// What of both sections makes no sense, and paths made absolute. Messages begin with the key; the hint names FILE:LINE.
replica::Result<void> check_control(Config& config);

}  // namespace config

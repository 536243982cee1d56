// What the configuration says of callers, as the control server takes it.
#pragma once

#include "config/config.hpp"
#include "control/server.hpp"

namespace litestreamd {

// Adds rules of access, limits, certificates and the owner of the socket to `out`. Reads the tokens; users and groups
// that the system does not know are an error.
replica::Result<void> apply_security(const config::Config& config, const config::Environment& environment,
                                     control::ServerOptions& out);

// What an operator should know of these settings: one line each, for the log.
std::vector<std::string> security_warnings(const config::Config& config, const control::Access& access);

// "deploy" or "1000".
replica::Result<uid_t> user_id(const std::string& user);
replica::Result<gid_t> group_id(const std::string& group);

}  // namespace litestreamd

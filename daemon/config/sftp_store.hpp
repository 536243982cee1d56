// Replicas of type sftp: what may be written, what it means.
#pragma once

#include <memory>

#include "config/config.hpp"
#include "replica/backend.hpp"
#include "replica/backends/sftp.hpp"

namespace config {

// Addresses are sftp://[USER[:PASSWORD]@]HOST[:PORT]/DIR, with the keys about keys as parameters. DIR is absolute, as
// for the peer; /~/DIR lies below the login directory, as a `path` without a slash in front does.
replica::Result<void> settle_sftp(ReplicaSettings& replica, const StoreSettings& defaults);
std::unique_ptr<replica::Backend> make_sftp(const ReplicaSettings& replica, const std::string& database);
replica::SftpBackendOptions sftp_options(const ReplicaSettings& replica);

}  // namespace config

// Replicas of type webdav: what may be written, what it means.
#pragma once

#include <memory>

#include "config/config.hpp"
#include "replica/backend.hpp"
#include "replica/backends/webdav.hpp"

namespace config {

replica::Result<void> settle_webdav(ReplicaSettings& replica, const StoreSettings& defaults);
std::unique_ptr<replica::Backend> make_webdav(const ReplicaSettings& replica, const std::string& database);
replica::WebdavOptions webdav_options(const ReplicaSettings& replica);

}  // namespace config

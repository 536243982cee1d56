// Replicas of type oss (Aliyun OSS): what may be written, what it means.
#pragma once

#include <memory>

#include "config/config.hpp"
#include "replica/backends/oss.hpp"

namespace config {

// Addresses are oss://BUCKET[.oss-REGION[-internal].aliyuncs.com]/PATH[?endpoint=URL&region=REGION].
replica::Result<void> settle_oss(ReplicaSettings& replica, const StoreSettings& defaults);
std::unique_ptr<replica::Backend> make_oss(const ReplicaSettings& replica, const std::string& database);
replica::OssOptions oss_options(const ReplicaSettings& replica);

}  // namespace config

// The backend of one replica, made when its store is first asked for something and given up when its database comes to
// rest: until then a database that hibernates keeps of it what it takes to make it.
#pragma once

#include <memory>
#include <string>

#include "config/build.hpp"
#include "config/stores.hpp"

namespace config {

// `metering` outlives it; nullptr: nothing is counted. A store that is remote is asked again when that may help.
std::shared_ptr<replica::Backend> make_late_backend(const StoreKind& kind, const ReplicaSettings& settings,
                                                    const std::string& database, Metering* metering);

}  // namespace config

// Whether replication is well, from what the Replicator tells.
#pragma once

#include <vector>

#include "control/server.hpp"
#include "replica/replicator.hpp"

namespace litestreamd {

// Seconds since everything of the database was durable on its replica, 0 while it is. One that never got there counts
// from `started_at`. Pure.
double lag_seconds(const replica::DatabaseStatus& status, replica::Timestamp now, replica::Timestamp started_at);

// One line for each open database that has an error, lags too far, or (when readiness is asked for) was not yet durable
// on its replica even once; "ok" when there is none. Closed databases do not count. Pure.
control::Health judge(const std::vector<replica::DatabaseStatus>& databases, const control::HealthQuery& query,
                      replica::Timestamp now, replica::Timestamp started_at);

}  // namespace litestreamd

// Uploading now, at the request of a caller.
#pragma once

#include "engine/database.hpp"

namespace replica::replicator {

// Returns when everything up to `target` is durable on every destination, or with the first one's error when all have
// ended. None waits for another: with several it starts threads, and ends them before it returns.
Result<void> ship_to_all(engine::Database& database, TxId target, const Call& call);

}  // namespace replica::replicator

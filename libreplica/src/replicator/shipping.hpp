// Uploading now, at the request of a caller.
#pragma once

#include <vector>

#include "engine/database.hpp"

namespace replica::replicator {

// Returns when everything up to `target` is durable on every destination, or with the first one's error when all have
// ended. None waits for another: with several it starts threads, and ends them before it returns.
Result<void> ship_to_all(engine::Database& database, TxId target, const Call& call);

// The same for some of them, by number.
Result<void> ship_to_some(engine::Database& database, const std::vector<std::size_t>& numbers, TxId target,
                          const Call& call);

}  // namespace replica::replicator

// Waiting for durability at the usual pace of captures and uploads.
#pragma once

#include <memory>
#include <optional>

#include "replicator/scheduler.hpp"

namespace replica::replicator {

// Replicator::wait_durable().
Result<TxId> wait_durable(Scheduler& scheduler, const std::shared_ptr<Entry>& entry, std::optional<TxId> txid,
                          const Call& call);

}  // namespace replica::replicator

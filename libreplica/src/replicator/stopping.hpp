// The end of replication: what is committed goes to the replica before the database is let go.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "replicator/scheduler.hpp"

namespace replica::replicator {

// Replicator::stop(): tries again every `interval` while the error may pass by itself. When the Call ends first the
// database stays open.
Result<TxId> stop_one(Scheduler& scheduler, const std::shared_ptr<Entry>& entry, std::chrono::milliseconds interval,
                      const Call& call);

// Replicator::stop_all(). The process is about to end, so no error is taken for permanent: a share that comes back, or
// a key that is put right meanwhile, saves what is not uploaded yet. All databases are tried before any is tried again,
// so that a broken replica does not use up the time of the sound ones. Starts threads, and ends them before it returns.
std::vector<std::pair<std::string, Error>> stop_all(Scheduler& scheduler, std::vector<std::shared_ptr<Entry>> entries,
                                                    const ReplicatorOptions& options, const Call& call);

// Their steps. open → closing, after which no lane runs; false when it was not open.
bool begin_closing(Scheduler& scheduler, const std::shared_ptr<Entry>& entry);
void finish_closing(Entry& entry, Phase phase);
void tell_stopped(const Scheduler& scheduler, const engine::Database& database, const Error* error);
void pause_for(std::chrono::milliseconds interval, const Call& call);  // shorter when the Call ends

}  // namespace replica::replicator

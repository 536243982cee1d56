#include "replica/restore.hpp"

namespace replica {

Result<RestoreOutcome> restore_database(const Replica& replica, const RestoreTarget& target,
                                        const RestoreOptions& options, const Call& call) {
  if (auto free = check_restore_output(options); !free) return pass(free);
  std::vector<LtxFileInfo> tried;
  while (true) {
    auto plan = plan_restore(replica, target, call);
    if (!plan) return pass(plan);
    auto outcome = apply_restore(replica, *plan, options, call);
    // A file that is listed but not there stays missing; one that went away after the listing gives another plan now.
    if (outcome || outcome.error().code != Errc::not_found || plan->files == tried) return outcome;
    tried = std::move(plan->files);
  }
}

}  // namespace replica

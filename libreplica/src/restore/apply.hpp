// apply_restore with a seam for faults.
#pragma once

#include "io/gate.hpp"
#include "replica/restore.hpp"

namespace replica::restore {

// `gate` is asked from several threads at once and must outlive the call.
Result<RestoreOutcome> apply(const Replica& replica, const RestorePlan& plan, const RestoreOptions& options,
                             const Call& call, io::Gate* gate);

}  // namespace replica::restore

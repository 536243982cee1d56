// apply_restore with a seam for faults.
#pragma once

#include "io/gate.hpp"
#include "replica/restore.hpp"

namespace replica::restore {

// A last change to the assembled and checked file, before it is made durable and gets its name.
using FinishFile = std::function<Result<void>(const std::string& path)>;

// `gate` is asked from several threads at once and must outlive the call.
Result<RestoreOutcome> apply(const Replica& replica, const RestorePlan& plan, const RestoreOptions& options,
                             const Call& call, io::Gate* gate, const FinishFile& finish = {});

}  // namespace replica::restore

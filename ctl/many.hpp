// start, stop and sync on many databases: `-all`, or a pattern like '/data/*.db' matched against what the daemon lists.
#pragma once

#include "control/methods.hpp"
#include "verb.hpp"

namespace litestreamctl {

inline constexpr cli::Flag kAllFlag{"all", "", "every database the daemon knows"};

// -all, or an argument with *, ? or [.
bool names_many(const cli::Arguments& args);

// One line a database; those that are already as they shall be are passed over, aloud. Fails when one failed, or when
// the pattern fits none.
Outcome run_on_many(const control::Method& method, const cli::Arguments& args);

}  // namespace litestreamctl

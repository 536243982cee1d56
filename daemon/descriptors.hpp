// How many files this process may have open, and how many databases that is.
#pragma once

#include <sys/types.h>

#include <cstddef>

namespace litestreamd {

// Raises the limit of open files to what the system lets us have without privileges. The limit from now on.
std::size_t raise_descriptor_limit();

// A command that was just started gets the limit that this process had before: many programs still take each number
// below the limit for theirs, or use select().
void give_back_descriptor_limit(pid_t child);

// How many databases may be held open within `limit` descriptors, for the rest goes to sockets, stores, files on their
// way and logs. At least 1.
std::size_t databases_within(std::size_t limit);

// What to tell the Replicator. `wanted` is max-open-databases: 0 = as many as there is room for, which is not exceeded.
std::size_t open_databases(std::size_t wanted, std::size_t limit);

}  // namespace litestreamd

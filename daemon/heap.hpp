// What the heap of the process has grown to and does not need any more.
#pragma once

namespace litestreamd {

// Before any other thread runs: few arenas, so that what one thread frees is room for the others, and large pieces
// from the system itself.
void keep_heap_small();

// Gives free pages back to the system. A pass over the whole heap, some 10 ms for 100 MB: for after a start, and after
// many databases went to rest. Does nothing where the C library cannot.
void trim_heap();

}  // namespace litestreamd

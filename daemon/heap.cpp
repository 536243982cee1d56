#include "heap.hpp"

#include <cstdlib>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace litestreamd {

#ifdef __GLIBC__
namespace {
constexpr int kArenas = 2;
constexpr int kLarge = 1 << 20;
}  // namespace

void keep_heap_small() {
  ::mallopt(M_ARENA_MAX, kArenas);
  // Said once, else the C library keeps what it once gave out: the answer to a `list` of very many, say.
  ::mallopt(M_MMAP_THRESHOLD, kLarge);
  ::mallopt(M_TRIM_THRESHOLD, 4 * kLarge);
}
void trim_heap() { ::malloc_trim(0); }
#else
void keep_heap_small() {}
void trim_heap() {}
#endif

}  // namespace litestreamd

// Every page of an image in order, hashed and compressed: by the thread that reads and takes them, and where one is to
// be had by a helper beside it.
#pragma once

#include "engine/helpers.hpp"
#include "engine/image.hpp"
#include "replica/ltx.hpp"

namespace replica::engine {

struct PreparedPage {
  LtxPage page;            // with its LZ4 block
  std::uint64_t hash = 0;  // store::page_hash of the image
};

// Valid during the call only.
using TakePage = std::function<Result<void>(const PreparedPage&)>;

// Image and `take` are used by the calling thread only, in the order of pages and without the lock page. `helpers` may
// be nullptr. Memory: 4 MB, or 16 pages where that is more; less for a small image.
Result<void> each_page(DatabaseImage& image, Helpers* helpers, const TakePage& take);

}  // namespace replica::engine

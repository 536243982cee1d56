// The page index while a file is written, packed: kept whole it would take 11 bytes a page, and the index of a 100 GB
// database would not fit the memory a process may use. docs/ltx-format.md §3.
#pragma once

#include <deque>

#include "ltx/header.hpp"

namespace replica::ltx {

// Frames follow each other without gaps, so an entry is only its distance from the page before and its size: two bytes
// for a run of pages of up to 4 KiB.
class PageIndex {
 public:
  // Pages ascend.
  void add(PageNo page, std::uint64_t frame_size);

  // Calls visit(Bytes) → Result<void> with the bytes of the index in the file, entry by entry, without zero and length.
  template <class Visit>
  Result<void> each(Visit visit) const {
    LtxIndexEntry entry{0, kLtxHeaderSize, 0};
    for (auto at = packed_.begin(); at != packed_.end();) {
      const std::uint64_t first = take(at);
      entry.page += (first & 1) == 0 ? 1 : static_cast<PageNo>(take(at));
      entry.size = first >> 1;
      if (auto r = visit(IndexEntryBytes(entry).bytes()); !r) return r;
      entry.offset += entry.size;
    }
    return {};
  }

 private:
  using Packed = std::deque<std::byte>;
  void append(std::uint64_t value);
  static std::uint64_t take(Packed::const_iterator& at);

  Packed packed_;  // a vector would double its size, and copy it, at the worst moment
  PageNo last_ = 0;
};

}  // namespace replica::ltx

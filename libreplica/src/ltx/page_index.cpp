#include "ltx/page_index.hpp"

#include "base/varint.hpp"

namespace replica::ltx {

// The lowest bit of the size says that a distance other than 1 follows.
void PageIndex::add(PageNo page, std::uint64_t frame_size) {
  const PageNo distance = page - last_;
  append(frame_size << 1 | (distance == 1 ? 0U : 1U));
  if (distance != 1) append(distance);
  last_ = page;
}

void PageIndex::append(std::uint64_t value) {
  put_varint(value, [this](std::byte byte) { packed_.push_back(byte); });
}

std::uint64_t PageIndex::take(Packed::const_iterator& at) {
  return take_varint([&at] { return *at++; });
}

}  // namespace replica::ltx

#include "ltx/page_index.hpp"

namespace replica::ltx {

// The lowest bit of the size says that a distance other than 1 follows.
void PageIndex::add(PageNo page, std::uint64_t frame_size) {
  const PageNo distance = page - last_;
  append(frame_size << 1 | (distance == 1 ? 0U : 1U));
  if (distance != 1) append(distance);
  last_ = page;
}

void PageIndex::append(std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) packed_.push_back(static_cast<std::byte>(value | 0x80));
  packed_.push_back(static_cast<std::byte>(value));
}

std::uint64_t PageIndex::take(Packed::const_iterator& at) {
  std::uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = std::to_integer<std::uint64_t>(*at++);
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
}

}  // namespace replica::ltx

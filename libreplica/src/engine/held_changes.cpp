#include "engine/held_changes.hpp"

#include <algorithm>
#include <cstring>
#include <memory>

namespace replica::engine {
namespace {

constexpr std::size_t kMostBytes = std::size_t{2} << 20U;  // of one database; thousands may be busy

bool before(const HeldChanges::Page& a, const HeldChanges::Page& b) { return a.page < b.page; }

}  // namespace

Result<bool> HeldChanges::take(WalFile& wal, const WalPosition& from, const Changeset& changes) {
  const std::size_t step = from.page_size, more = changes.pages.size() * step;
  if (bytes_.size() + more > kMostBytes) return false;
  const auto room = std::make_unique_for_overwrite<std::byte[]>(more);
  const Bytes images(room.get(), more);
  for (std::size_t i = 0; i < changes.pages.size(); ++i) {
    auto image = wal.view(std::span(changes.pages).subspan(i));
    if (!image) return pass(image);
    std::memcpy(room.get() + i * step, image->data(), step);
  }
  if (auto r = wal.confirm(); !r) return pass(r);

  // Images of pages that a shrink cut off lie there unused until all is written.
  std::erase_if(pages_, [&](const Page& page) { return page.page > changes.commit; });
  std::vector<Page> added;
  for (std::size_t i = 0; i < changes.pages.size(); ++i)
    place(changes.pages[i].page, images.subspan(i * step, step), added);
  pages_.insert(pages_.end(), added.begin(), added.end());
  std::sort(pages_.begin(), pages_.end(), before);
  if (empty() || from_.salts != from.salts) from_ = from;
  commit_ = changes.commit;
  return true;
}

void HeldChanges::place(PageNo page, Bytes image, std::vector<Page>& added) {
  const auto known = std::lower_bound(pages_.begin(), pages_.end(), Page{page, 0}, before);
  if (known != pages_.end() && known->page == page) {
    std::copy(image.begin(), image.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(known->at));
    return;
  }
  added.push_back({page, bytes_.size()});
  bytes_.insert(bytes_.end(), image.begin(), image.end());
}

}  // namespace replica::engine

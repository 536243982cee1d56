#include "restore/page_origins.hpp"

#include <algorithm>
#include <limits>

namespace replica::restore {

Result<PageOrigins> PageOrigins::create(std::uint32_t page_size, PageNo commit) {
  PageOrigins origins;
  origins.page_size_ = page_size;
  origins.commit_ = commit;
  origins.first_.resize(std::size_t{commit} / 64 + 1);
  // calloc, because it hands out pages that cost nothing until they are written.
  origins.newest_.reset(static_cast<std::uint32_t*>(std::calloc(std::size_t{commit} + 1, sizeof(std::uint32_t))));
  if (!origins.newest_) {
    return fail(Errc::unavailable, "not enough memory to track " + std::to_string(commit) + " pages");
  }
  return origins;
}

bool PageOrigins::claim(PageNo page, std::uint32_t file) noexcept {
  std::uint32_t& newest = newest_[page];
  if (newest > file) return false;
  if (file == 0) {
    first_[(page - 1) / 64] |= std::uint64_t{1} << ((page - 1) % 64);
  } else {
    newest = file;
  }
  return true;
}

bool PageOrigins::is_claimed(PageNo page) const noexcept { return newest_[page] != 0 || has_first(page); }

Result<void> PageOrigins::check_complete(const std::vector<PageNo>& commits) const {
  std::vector<PageNo> smallest_after(commits.size(), std::numeric_limits<PageNo>::max());
  for (std::size_t i = commits.size(); i-- > 1;) smallest_after[i - 1] = std::min(smallest_after[i], commits[i]);

  PageNo first_missing = 0;
  std::uint64_t missing = 0;
  for (std::uint64_t number = 1; number <= commit_; ++number) {
    const auto page = static_cast<PageNo>(number);
    if (page == lock_page(page_size_) || (is_claimed(page) && page <= smallest_after[newest_[page]])) continue;
    if (missing++ == 0) first_missing = page;
  }
  if (missing == 0) return {};
  return fail(Errc::corrupt, "page " + std::to_string(first_missing) + " is in no file of the restore plan (" +
                                 std::to_string(missing) + " of " + std::to_string(commit_) + " pages are missing)");
}

}  // namespace replica::restore

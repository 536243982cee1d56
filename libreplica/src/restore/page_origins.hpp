// Which file of a plan each page of a database being restored comes from.
#pragma once

#include <cstdlib>
#include <memory>
#include <vector>

#include "replica/types.hpp"

namespace replica::restore {

// Memory: one bit a page, and four bytes a page only in the regions that files other than the first touch.
// Not locked: calls about pages of the same aligned group of 64 must not overlap.
class PageOrigins {
 public:
  static constexpr PageNo kGroup = 64;

  static Result<PageOrigins> create(std::uint32_t page_size, PageNo commit);

  // Claims `page` for file number `file` (0 = oldest). False when a newer file has it already.
  bool claim(PageNo page, std::uint32_t file) noexcept;
  bool is_claimed(PageNo page) const noexcept;

  // `corrupt` unless every page but the lock page was claimed by a file after which the database was never too short to
  // hold it: what a shrunk database had beyond its end is not what it has there after growing again. `commits`: the
  // database size each file leaves, oldest first.
  Result<void> check_complete(const std::vector<PageNo>& commits) const;

 private:
  struct Free {
    void operator()(void* memory) const noexcept { std::free(memory); }
  };
  PageOrigins() = default;
  bool has_first(PageNo page) const noexcept { return (first_[(page - 1) / 64] >> ((page - 1) % 64) & 1U) != 0; }

  std::uint32_t page_size_ = 0;
  PageNo commit_ = 0;
  std::vector<std::uint64_t> first_;                 // bit: claimed by file 0
  std::unique_ptr<std::uint32_t[], Free> newest_{};  // number of the newest other file, 0 = none; untouched = unmapped
};

}  // namespace replica::restore

// Workers write the pages of a database file at their places, in any order of files; the newest image of a page stays.
#pragma once

#include <array>
#include <mutex>

#include "io/file.hpp"
#include "restore/page_origins.hpp"

namespace replica::restore {

// What all workers share. The file is sparse zeros of its final size when they begin.
class PageTarget {
 public:
  PageTarget(std::string path, io::Gate* gate, std::uint32_t page_size, PageNo commit, PageOrigins origins);

  const std::string& path() const noexcept { return path_; }
  io::Gate* gate() const noexcept { return gate_; }
  std::uint32_t page_size() const noexcept { return page_size_; }
  PageNo commit() const noexcept { return commit_; }
  // Pages a lock covers, which a run to write must not leave: big enough for large writes, a multiple of what the
  // origins need.
  PageNo block_pages() const noexcept { return block_pages_; }
  PageNo block_of(PageNo page) const noexcept { return (page - 1) / block_pages_; }
  // Only when no worker writes any more.
  const PageOrigins& origins() const noexcept { return origins_; }

 private:
  friend class PageWriter;
  std::string path_;
  io::Gate* gate_;
  std::uint32_t page_size_;
  PageNo commit_;
  PageNo block_pages_;
  PageOrigins origins_;
  std::array<std::mutex, 64> locks_;  // block n by locks_[n % 64]: guards its origins and the writing of its pages
};

// One worker's pages of one file, ascending; adjacent ones become one write.
class PageWriter {
 public:
  static constexpr std::size_t kRunBytes = 1 << 18;

  // `target` must outlive the writer. `file` is the number in the plan, 0 = oldest.
  static Result<PageWriter> open(PageTarget& target, std::uint32_t file);
  // Pages beyond the end of the database are dropped.
  Result<void> add(PageNo page, Bytes image);
  Result<void> flush();

 private:
  PageWriter(PageTarget& target, std::uint32_t file, io::File out);
  Bytes image(PageNo page) const;
  Result<void> write(PageNo begin, PageNo end);

  PageTarget* target_;
  std::uint32_t file_;
  io::File out_;                // a descriptor of its own: an io::File serves one thread
  std::vector<std::byte> run_;  // images of the pages [first_, next_)
  PageNo first_ = 0, next_ = 0;
};

}  // namespace replica::restore

// Changes that are captured and wait in memory to be written with those that follow, so that a busy database does not
// get a file for each step in between. Nothing is lost with them: the WAL mark is that of the last file, and whoever
// starts from there reads them again, or re-anchors when the log has been restarted since.
#pragma once

#include <optional>
#include <vector>

#include "engine/wal_file.hpp"

namespace replica::engine {

class HeldChanges {
 public:
  struct Page {
    PageNo page = 0;
    std::size_t at = 0;  // of its image in bytes_
  };

  bool empty() const noexcept { return commit_ == 0; }
  std::uint32_t commit() const noexcept { return commit_; }  // size of the database in pages
  // Where the last generation that is held of begins.
  const WalPosition& from() const noexcept { return from_; }
  // Ascending, none beyond commit().
  const std::vector<Page>& pages() const noexcept { return pages_; }
  Bytes image(const Page& page) const { return Bytes(bytes_).subspan(page.at, from_.page_size); }

  // Takes in what `wal` holds behind `from`, and has confirmed. False, and nothing changed: that is more than is held.
  // The page size must be that of what is held.
  Result<bool> take(WalFile& wal, const WalPosition& from, const Changeset& changes);
  void clear() noexcept { *this = {}; }

 private:
  void place(PageNo page, Bytes image, std::vector<Page>& added);
  WalPosition from_;
  std::uint32_t commit_ = 0;
  std::vector<Page> pages_;
  std::vector<std::byte> bytes_;
};

}  // namespace replica::engine

// Pages of LTX files on their way into a database: fetched, verified to the last byte and kept beside the database, so
// that what comes after needs neither the network nor trust.
#pragma once

#include <vector>

#include "io/file.hpp"
#include "replica/replica.hpp"

namespace replica::restore {

class StagedPages {
 public:
  struct Entry {
    PageNo page = 0;
    std::uint64_t slot = 0;  // in the staging file
  };

  // Stages in a file without a name (`temp_path` for a moment). `base_pages` is the size of the database the files are
  // meant for; 0 when they make it all.
  static Result<StagedPages> create(const std::string& temp_path, std::uint32_t page_size, PageNo base_pages,
                                    io::Gate* gate);

  // Files in the order of the plan. precondition_failed when the page size is another.
  Result<void> add(const Replica& replica, const LtxFileInfo& file, const Call& call);
  // After the last file: `corrupt` when a page that the database had not is in no file.
  Result<void> finish();

  PageNo commit() const noexcept { return header_.commit; }  // size of the database afterwards
  const LtxHeader& last_header() const noexcept { return header_; }
  std::uint32_t page_size() const noexcept { return page_size_; }
  // After finish(): ascending, each page once.
  const std::vector<Entry>& entries() const noexcept { return entries_; }
  Result<void> read(const Entry& entry, MutableBytes image) const;

 private:
  StagedPages(io::File file, std::uint32_t page_size, PageNo base_pages)
      : file_(std::move(file)), page_size_(page_size), kept_(base_pages) {}
  Result<void> check(const LtxHeader& header, const LtxFileInfo& file) const;
  Result<void> take(Reader& reader, const LtxFileInfo& file, const Call& call);

  io::File file_;
  std::uint32_t page_size_;
  PageNo kept_;              // pages from 1 on that the database has had all the time
  LtxHeader header_;         // of the last file
  PageNo highest_ = 0;       // of the entries
  std::uint64_t slots_ = 0;  // written
  std::vector<Entry> entries_;
};

}  // namespace replica::restore

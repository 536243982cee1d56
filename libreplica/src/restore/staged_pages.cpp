#include "restore/staged_pages.hpp"

#include <algorithm>
#include <utility>

namespace replica::restore {

Result<StagedPages> StagedPages::create(const std::string& temp_path, std::uint32_t page_size, PageNo base_pages,
                                        io::Gate* gate) {
  auto file = io::File::open(temp_path, io::File::Mode::create_or_truncate, gate, 0600);
  if (!file) return pass(file, "stage pages");
  if (auto unnamed = io::remove_file(temp_path, gate); !unnamed) return pass(unnamed, "stage pages");
  return StagedPages(std::move(*file), page_size, base_pages);
}

Result<void> StagedPages::add(const Replica& replica, const LtxFileInfo& file, const Call& call) {
  const std::string what = "level " + std::to_string(file.level) + " file " + file.name();
  auto reader = replica.open(file, call);
  if (!reader) return pass(reader, what);
  if (auto taken = take(**reader, file, call); !taken) return pass(taken, what);
  return {};
}

Result<void> StagedPages::check(const LtxHeader& header, const LtxFileInfo& file) const {
  if (header.range != file.range)
    return fail(Errc::corrupt, "the file holds transactions " + ltx_file_name(header.range));
  if (header.commit == 0) return fail(Errc::corrupt, "the file leaves a database without pages");
  if (header.page_size == page_size_) return {};
  return fail(Errc::precondition_failed,
              "the page size has changed from " + std::to_string(page_size_) + " to " +
                  std::to_string(header.page_size) + ", which cannot be followed in place",
              "delete the database and its -txid file to restore anew");
}

// What a smaller database had beyond its end is not what it has there after growing again: those images go, and those
// pages have to come with a later file.
Result<void> StagedPages::take(Reader& reader, const LtxFileInfo& file, const Call& call) {
  auto decoder = LtxDecoder::begin(reader);
  if (!decoder) return pass(decoder);
  if (auto fits = check(decoder->header(), file); !fits) return fits;
  header_ = decoder->header();
  kept_ = std::min(kept_, commit());
  if (highest_ > commit()) std::erase_if(entries_, [&](const Entry& entry) { return entry.page > commit(); });
  highest_ = std::min(highest_, commit());
  while (true) {
    if (auto open = call.check("follow"); !open) return pass(open);
    auto page = decoder->next();
    if (!page) return pass(page);
    if (!*page) return {};
    entries_.push_back({(*page)->page, slots_++});
    highest_ = std::max(highest_, (*page)->page);
    if (auto written = file_.append((*page)->image); !written) return pass(written, "stage pages");
  }
}

Result<void> StagedPages::finish() {
  std::sort(entries_.begin(), entries_.end(),
            [](const Entry& a, const Entry& b) { return std::pair(a.page, a.slot) < std::pair(b.page, b.slot); });
  // The last of equal pages is the newest.
  std::vector<Entry> newest;
  for (const Entry& entry : entries_) {
    if (!newest.empty() && newest.back().page == entry.page) newest.pop_back();
    newest.push_back(entry);
  }
  entries_ = std::move(newest);

  auto next = std::upper_bound(entries_.begin(), entries_.end(), kept_,
                               [](PageNo page, const Entry& entry) { return page < entry.page; });
  for (std::uint64_t page = std::uint64_t{kept_} + 1; page <= commit(); ++page) {
    if (page == lock_page(page_size_)) continue;
    if (next == entries_.end() || next->page != page)
      return fail(Errc::corrupt, "page " + std::to_string(page) + " is in no file of those that make it");
    ++next;
  }
  return {};
}

Result<void> StagedPages::read(const Entry& entry, MutableBytes image) const {
  return file_.read_exactly_at(entry.slot * page_size_, image);
}

}  // namespace replica::restore

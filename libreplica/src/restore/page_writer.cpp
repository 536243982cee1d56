#include "restore/page_writer.hpp"

#include <algorithm>
#include <cstring>

namespace replica::restore {
namespace {

bool is_zero(Bytes image) {
  return image[0] == std::byte{0} && std::memcmp(image.data(), image.data() + 1, image.size() - 1) == 0;
}

}  // namespace

PageTarget::PageTarget(std::string path, io::Gate* gate, std::uint32_t page_size, PageNo commit, PageOrigins origins)
    : path_(std::move(path)),
      gate_(gate),
      page_size_(page_size),
      commit_(commit),
      block_pages_(std::max(PageOrigins::kGroup, static_cast<PageNo>(PageWriter::kRunBytes / page_size))),
      origins_(std::move(origins)) {}

Result<PageWriter> PageWriter::open(PageTarget& target, std::uint32_t file) {
  auto out = io::File::open(target.path(), io::File::Mode::read_write, target.gate());
  if (!out) return pass(out, "open restore output");
  return PageWriter(target, file, std::move(*out));
}

PageWriter::PageWriter(PageTarget& target, std::uint32_t file, io::File out)
    : target_(&target), file_(file), out_(std::move(out)) {
  run_.reserve(kRunBytes);
}

Result<void> PageWriter::add(PageNo page, Bytes image) {
  if (page > target_->commit()) return {};
  const bool continues =
      page == next_ && run_.size() + image.size() <= kRunBytes && target_->block_of(page) == target_->block_of(first_);
  if (!run_.empty() && !continues) {
    if (auto flushed = flush(); !flushed) return pass(flushed);
  }
  if (run_.empty()) first_ = page;
  run_.insert(run_.end(), image.begin(), image.end());
  next_ = page + 1;
  return {};
}

Bytes PageWriter::image(PageNo page) const {
  return Bytes(run_).subspan(std::size_t{page - first_} * target_->page_size(), target_->page_size());
}

Result<void> PageWriter::flush() {
  if (run_.empty()) return {};
  // Claiming and writing under one lock: otherwise an older file could claim first and write last.
  const std::lock_guard lock(target_->locks_[target_->block_of(first_) % target_->locks_.size()]);
  PageNo begin = first_;  // of the pages to write next, up to the one looked at
  for (PageNo page = first_; page < next_; ++page) {
    // What was never written reads as zeros already and need not take space.
    const bool is_hole = !target_->origins_.is_claimed(page) && is_zero(image(page));
    if (target_->origins_.claim(page, file_) && !is_hole) continue;
    if (auto written = write(begin, page); !written) return pass(written);
    begin = page + 1;
  }
  if (auto written = write(begin, next_); !written) return pass(written);
  run_.clear();
  return {};
}

Result<void> PageWriter::write(PageNo begin, PageNo end) {
  if (begin == end) return {};
  const std::uint64_t page_size = target_->page_size();
  const auto bytes = Bytes(run_).subspan((begin - first_) * page_size, (end - begin) * page_size);
  return out_.write_at((begin - 1) * page_size, bytes);
}

}  // namespace replica::restore

#include "engine/image.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/endian.hpp"

namespace replica::engine {
namespace {

constexpr std::size_t kReadAhead = 512U << 10;

// Page size from the database header: offset 16, big-endian, 1 means 65536. https://www.sqlite.org/fileformat2.html
// §1.3
Result<std::uint32_t> page_size_of_file(io::Connection& connection, const std::string& path) {
  std::array<std::byte, 18> header{};
  auto n = connection.read_file(0, header);
  if (!n) return pass(n);
  if (*n < header.size()) return std::uint32_t{0};
  const std::uint32_t stored = base::load_be<std::uint16_t>(header.data() + 16);
  const std::uint32_t size = stored == 1 ? 65536 : stored;
  if (!is_page_size(size)) return fail(Errc::corrupt, path + " has no SQLite page size in its header");
  return size;
}

}  // namespace

Result<DatabaseImage> DatabaseImage::open(Pin& pin, const std::string& path, io::Gate* gate) {
  auto index = pin.wal_index();
  if (!index) return pass(index);
  DatabaseImage image(pin, path);
  if (auto r = image.locate(*index, gate); !r) return pass(r, "read " + path);
  return image;
}

Result<void> DatabaseImage::locate(const wal::WalIndexHeader& index, io::Gate* gate) {
  position_ = {index.salts, index.page_size, index.max_frame, index.frame_checksum};
  commit_ = index.page_count;
  if (index.max_frame == 0) {
    auto size = page_size_of_file(pin_->connection(), path_);
    if (!size) return pass(size);
    position_.page_size = *size;
    auto bytes = pin_->connection().file_size();
    if (!bytes) return pass(bytes);
    commit_ = *size == 0 ? 0 : static_cast<std::uint32_t>(*bytes / *size);
    return {};
  }
  // Everything backfilled: the file alone is the state, and the pin keeps it so.
  if (index.backfilled >= index.max_frame) return {};
  auto wal = WalFile::open(path_, gate);
  if (!wal) return pass(wal);
  if (wal->header().salts != index.salts) return fail(Errc::busy, "the write-ahead log was just restarted");
  auto changes = wal->read({index.salts, index.page_size, 0, {}}, index.max_frame, 0);
  if (!changes) return pass(changes);
  unrecoverable_ = changes->unsummed;
  in_wal_ = std::move(changes->pages);
  wal_.emplace(std::move(*wal));
  return {};
}

Result<void> DatabaseImage::read(PageNo page, MutableBytes out) {
  if (next_in_wal_ >= in_wal_.size() || in_wal_[next_in_wal_].page > page ||
      (next_in_wal_ > 0 && in_wal_[next_in_wal_ - 1].page >= page)) {
    next_in_wal_ = 0;  // not the ascending case: search from the start
  }
  const auto found = std::lower_bound(in_wal_.begin() + static_cast<std::ptrdiff_t>(next_in_wal_), in_wal_.end(), page,
                                      [](const Changeset::Page& p, PageNo n) { return p.page < n; });
  next_in_wal_ = static_cast<std::size_t>(found - in_wal_.begin());
  if (found != in_wal_.end() && found->page == page) return wal_->image(found->frame, out);
  return read_from_file(page, out);
}

Result<void> DatabaseImage::read_from_file(PageNo page, MutableBytes out) {
  const std::uint64_t offset = static_cast<std::uint64_t>(page - 1) * position_.page_size;
  const bool hit = offset >= ahead_offset_ && offset + out.size() <= ahead_offset_ + ahead_.size();
  if (!hit) {
    const std::uint64_t end = std::uint64_t{commit_} * position_.page_size;
    const auto rest = static_cast<std::size_t>(std::min<std::uint64_t>(kReadAhead, end > offset ? end - offset : 0));
    ahead_.resize(std::max(rest, out.size()));
    auto n = pin_->connection().read_file(offset, ahead_);
    if (!n) return pass(n);
    std::memset(ahead_.data() + *n, 0, ahead_.size() - *n);
    ahead_offset_ = offset;
  }
  std::memcpy(out.data(), ahead_.data() + (offset - ahead_offset_), out.size());
  return {};
}

Result<bool> DatabaseImage::still_valid() {
  auto index = pin_->wal_index();
  if (!index) return pass(index);
  return !wal_ || index->salts == position_.salts;
}

}  // namespace replica::engine

#include "store/page_hash_map.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <tuple>

#include "base/endian.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace replica::store {
namespace {

// docs/store-layout.md §3.
constexpr std::string_view kMagic = "LSPGHASH";
constexpr std::uint32_t kVersion = 1;
constexpr std::uint64_t kSlotDistance = 512;  // one sector each, so that a torn write spoils one slot only
constexpr std::size_t kSlotSize = 56;
constexpr std::uint64_t kFirstHash = 4096;
constexpr std::uint64_t kHashSize = 8;

constexpr PageNo kWindowPages = 8192;
constexpr std::size_t kMaxPending = 1U << 16;
constexpr TxId kUnknownTarget{std::numeric_limits<std::uint64_t>::max()};

std::string map_path(const std::string& meta_path) { return meta_path + "/page-hashes"; }

std::uint64_t offset_of(PageNo page) { return kFirstHash + (std::uint64_t{page} - 1) * kHashSize; }

}  // namespace

std::uint64_t page_hash(Bytes image) noexcept { return XXH3_64bits(image.data(), image.size()); }

struct PageHashMap::Header {
  std::uint32_t page_size = 0, commit = 0;
  std::uint64_t sequence = 0;
  TxId txid, mark;

  using Slot = std::array<std::byte, kSlotSize>;

  Slot encode() const {
    Slot slot{};
    const Bytes bytes(slot);
    std::transform(kMagic.begin(), kMagic.end(), slot.begin(), [](char c) { return static_cast<std::byte>(c); });
    base::store_be(&slot[8], kVersion);
    base::store_be(&slot[12], page_size);
    base::store_be(&slot[16], sequence);
    base::store_be(&slot[24], txid.value);
    base::store_be(&slot[32], mark.value);
    base::store_be(&slot[40], commit);
    base::store_be(&slot[48], page_hash(bytes.first(48)));
    return slot;
  }

  // nullopt for anything but an intact header of our version.
  static std::optional<Header> decode(Bytes slot) {
    Header header;
    header.page_size = base::load_be<std::uint32_t>(&slot[12]);
    header.sequence = base::load_be<std::uint64_t>(&slot[16]);
    header.txid.value = base::load_be<std::uint64_t>(&slot[24]);
    header.mark.value = base::load_be<std::uint64_t>(&slot[32]);
    header.commit = base::load_be<std::uint32_t>(&slot[40]);
    const Slot expected = header.encode();
    if (!std::equal(expected.begin(), expected.end(), slot.begin())) return std::nullopt;
    if (!is_page_size(header.page_size)) return std::nullopt;
    return header;
  }
};

std::optional<PageHashMap::Header> PageHashMap::newest_header(Bytes slots) {
  const auto one = Header::decode(slots.first(kSlotSize));
  const auto two = Header::decode(slots.subspan(kSlotDistance, kSlotSize));
  if (!one || !two) return one ? one : two;
  return one->sequence > two->sequence ? one : two;
}

Result<std::optional<PageHashMap>> PageHashMap::open(const std::string& meta_path, io::Gate* gate) {
  const std::string path = map_path(meta_path);
  auto info = io::stat_path(path);
  if (!info && info.error().code == Errc::not_found) return std::nullopt;
  if (!info) return pass(info, "open page-hash map");

  auto file = io::File::open(path, io::File::Mode::read_write, gate);
  if (!file) return pass(file, "open page-hash map");
  std::array<std::byte, kSlotDistance + kSlotSize> slots{};
  auto got = file->read_at(0, slots);
  if (!got) return pass(got, "open page-hash map");
  const auto header = newest_header(slots);
  // A mark without a target was left by a long set() that cannot be repeated.
  const bool usable = header && header->mark != kUnknownTarget && info->size >= kFirstHash + header->commit * kHashSize;
  if (!usable) {
    file->close();
    if (auto removed = remove(meta_path, gate); !removed) return pass(removed, "remove damaged page-hash map");
    return std::nullopt;
  }
  PageHashMap map;
  map.file_ = std::move(*file);
  map.stored_ = (info->size - kFirstHash + kHashSize - 1) / kHashSize;
  map.page_size_ = header->page_size;
  map.sequence_ = header->sequence;
  map.txid_ = header->txid;
  map.commit_ = header->commit;
  map.mark_ = header->mark;
  return map;
}

Result<PageHashMap> PageHashMap::create(const std::string& meta_path, std::uint32_t page_size, io::Gate* gate) {
  if (!is_page_size(page_size)) {
    return fail(Errc::invalid_argument, "create page-hash map: page size " + std::to_string(page_size));
  }
  const std::string path = map_path(meta_path);
  Header header;
  header.page_size = page_size;
  header.sequence = 2;  // even: the first slot
  std::vector<std::byte> bytes(kFirstHash);
  const auto slot = header.encode();
  std::copy(slot.begin(), slot.end(), bytes.begin());
  auto fresh = io::AtomicFile::create(path, gate);
  if (!fresh) return pass(fresh, "create page-hash map");
  if (auto written = fresh->write(bytes); !written) return pass(written, "create page-hash map");
  if (auto done = fresh->commit(); !done) return pass(done, "create page-hash map");

  auto file = io::File::open(path, io::File::Mode::read_write, gate);
  if (!file) return pass(file, "create page-hash map");
  PageHashMap map;
  map.file_ = std::move(*file);
  map.page_size_ = page_size;
  map.sequence_ = header.sequence;
  return map;
}

Result<void> PageHashMap::remove(const std::string& meta_path, io::Gate* gate) {
  const std::string path = map_path(meta_path);
  if (auto info = io::stat_path(path); !info && info.error().code == Errc::not_found) return {};
  if (auto removed = io::remove_file(path, gate); !removed) return removed;
  return io::sync_directory(meta_path, gate);
}

Result<std::optional<std::uint64_t>> PageHashMap::get(PageNo page) const {
  if (page == 0) return fail(Errc::invalid_argument, "page 0 has no hash");
  if (page > commit_) return std::nullopt;
  if (batch_ || failed_) return fail(Errc::precondition_failed, "page-hash map is being changed");
  if (!whole()) return 0;
  const PageNo first = page - (page - 1) % kWindowPages;
  if (window_first_ != first) {
    window_first_ = 0;
    window_.resize(std::min<std::size_t>(kWindowPages, commit_ - first + 1) * kHashSize);
    if (auto got = file_.read_exactly_at(offset_of(first), window_); !got) return pass(got, "read page hashes");
    window_first_ = first;
  }
  return base::load_be<std::uint64_t>(&window_[(page - first) * kHashSize]);
}

Result<void> PageHashMap::set(PageNo page, std::uint64_t hash) {
  if (page == 0) return fail(Errc::invalid_argument, "page 0 has no hash");
  if (failed_) return unusable();
  pending_.push_back({page, next_order(), hash});
  if (pending_.size() < kMaxPending) return {};
  auto written = spill(kUnknownTarget);
  failed_ = !written;
  return written;
}

Result<void> PageHashMap::commit(TxId txid, std::uint32_t commit) {
  if (failed_) return unusable();
  auto committed = commit_batch(txid, commit);
  failed_ = !committed;
  return committed;
}

Result<void> PageHashMap::commit_batch(TxId txid, std::uint32_t commit) {
  if (!txid || txid < txid_) {
    return fail(Errc::invalid_argument, "page-hash map at txid " + txid_.text() + " cannot go to " + txid.text());
  }
  std::erase_if(pending_, [&](const Entry& entry) { return entry.page > commit; });
  if (auto written = spill(txid); !written) return written;
  if (auto begun = begin_batch(txid); !begun) return begun;
  if (stored_ < commit) {
    if (auto grown = file_.truncate(kFirstHash + commit * kHashSize); !grown) return pass(grown, "grow page-hash map");
    stored_ = commit;
  }
  if (auto synced = file_.sync(); !synced) return pass(synced, "sync page-hash map");
  const TxId mark = mark_ > txid ? mark_ : TxId{};
  if (auto moved = write_header(txid, commit, mark); !moved) return moved;
  txid_ = txid;
  commit_ = commit;
  mark_ = mark;
  batch_ = TxId{};
  return {};
}

Result<void> PageHashMap::fold(Reader& ltx_file) {
  if (failed_) return unusable();
  if (batch_ || !pending_.empty()) {
    return fail(Errc::precondition_failed, "fold into page-hash map: hashes set before are not committed");
  }
  auto decoder = LtxDecoder::begin(ltx_file);
  if (!decoder) return pass(decoder, "fold into page-hash map");
  const LtxHeader& header = decoder->header();
  if (header.page_size != page_size_) {
    return fail(Errc::corrupt, "fold into page-hash map: page size " + std::to_string(header.page_size) +
                                   " into a map of " + std::to_string(page_size_));
  }
  const bool follows = header.range.min <= txid_.next() && header.range.max > txid_;
  if (!follows && txid_) {
    return fail(Errc::corrupt,
                "fold into page-hash map: " + ltx_file_name(header.range) + " does not follow on txid " + txid_.text());
  }
  auto folded = fold_pages(*decoder);
  if (folded) folded = commit_batch(header.range.max, header.commit);
  if (!folded) {
    abandon_batch();
    return pass(folded, "fold into page-hash map");
  }
  return {};
}

Result<void> PageHashMap::fold_pages(LtxDecoder& decoder) {
  const LtxHeader& header = decoder.header();
  std::uint32_t pages = 0;
  for (;;) {
    auto page = decoder.next();
    if (!page) return pass(page);
    if (!*page) break;
    ++pages;
    pending_.push_back({(*page)->page, next_order(), page_hash((*page)->image)});
    if (pending_.size() < kMaxPending) continue;
    if (auto written = spill(header.range.max); !written) return written;
  }
  // The file is verified to its end; a fold that never spilled has written nothing before this point.
  const bool has_lock_page = header.commit >= lock_page(page_size_);
  if (!txid_ && pages != header.commit - (has_lock_page ? 1U : 0U)) {
    return fail(Errc::corrupt, ltx_file_name(header.range) + " does not hold every page");
  }
  return {};
}

Failure PageHashMap::unusable() {
  return fail(Errc::precondition_failed, "page-hash map failed before", "open it again");
}

void PageHashMap::abandon_batch() {
  pending_.clear();
  if (txid_) mark_ = std::max(mark_, batch_);
  batch_ = TxId{};
}

// Makes room for hashes written in place: marks the header, and voids what lies beyond the last commit, so that a page
// that went with a shrink and comes back does not find its old hash.
Result<void> PageHashMap::begin_batch(TxId target) {
  if (batch_ >= target) return {};
  const TxId mark = std::max(mark_, target);
  // At TXID 0 there is nothing to spoil: an interrupted batch leaves an empty map.
  if (txid_) {
    if (auto marked = write_header(txid_, commit_, mark); !marked) return marked;
  }
  if (!batch_ && stored_ > commit_) {
    if (auto cut = file_.truncate(kFirstHash + commit_ * kHashSize); !cut) return pass(cut, "shrink page-hash map");
    stored_ = commit_;
  }
  batch_ = target;
  window_first_ = 0;
  return {};
}

Result<void> PageHashMap::spill(TxId target) {
  if (pending_.empty()) return {};
  if (auto begun = begin_batch(target); !begun) return begun;
  std::sort(pending_.begin(), pending_.end(),
            [](const Entry& a, const Entry& b) { return std::tie(a.page, a.order) < std::tie(b.page, b.order); });
  std::vector<std::byte> run;
  for (std::size_t i = 0; i < pending_.size();) {
    const PageNo first = pending_[i].page;
    run.clear();
    for (PageNo page = first; i < pending_.size() && pending_[i].page == page; ++page) {
      while (i + 1 < pending_.size() && pending_[i + 1].page == page) ++i;
      run.resize(run.size() + kHashSize);
      base::store_be(&run[run.size() - kHashSize], pending_[i++].hash);
    }
    if (auto written = file_.write_at(offset_of(first), run); !written) return pass(written, "write page hashes");
    stored_ = std::max<std::uint64_t>(stored_, first - 1 + run.size() / kHashSize);
  }
  pending_.clear();
  return {};
}

// Durable on return. The slots take turns, so that the one before survives a torn write.
Result<void> PageHashMap::write_header(TxId txid, std::uint32_t commit, TxId mark) {
  Header header;
  header.page_size = page_size_;
  header.commit = commit;
  header.sequence = sequence_ + 1;
  header.txid = txid;
  header.mark = mark;
  const auto slot = header.encode();
  if (auto written = file_.write_at(header.sequence % 2 * kSlotDistance, slot); !written) {
    return pass(written, "write page-hash map header");
  }
  if (auto synced = file_.sync(); !synced) return pass(synced, "sync page-hash map header");
  sequence_ = header.sequence;
  return {};
}

}  // namespace replica::store

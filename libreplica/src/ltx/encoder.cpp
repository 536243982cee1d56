// docs/ltx-format.md §1–§5: header, page frames, index, trailer.
#include <algorithm>
#include <array>

#include "base/endian.hpp"
#include "base/text.hpp"
#include "ltx/checksum.hpp"
#include "ltx/header.hpp"
#include "ltx/page_codec.hpp"
#include "ltx/page_index.hpp"

namespace replica {
namespace {

constexpr std::size_t kBuffer = 256U << 10;

}  // namespace

struct LtxEncoder::State {
  State(Writer& writer, const LtxHeader& h)
      : out(writer),
        header(h),
        room(kBuffer + ltx::kBlockHeaderSize + ltx::compressed_bound(h.page_size)),
        buffer(std::make_unique_for_overwrite<std::byte[]>(room)) {}

  Result<void> flush() {
    if (used == 0) return {};
    auto r = out.write({buffer.get(), used});
    used = 0;
    if (!r) closed = true;  // a hole would follow
    return r;
  }
  Result<void> put(Bytes data) {
    while (!data.empty()) {
      const std::size_t n = std::min(data.size(), room - used);
      std::copy_n(data.begin(), n, buffer.get() + used);
      used += n;
      offset += n;
      data = data.subspan(n);
      if (used >= kBuffer) {
        if (auto r = flush(); !r) return r;
      }
    }
    return {};
  }
  Result<void> check_page(PageNo page, Bytes image) const;
  Result<void> check_complete() const;
  Result<void> add(PageNo page, Bytes image, Bytes compressed);
  Result<void> put_index();
  Result<LtxTrailer> put_trailer();

  Writer& out;
  LtxHeader header;
  ltx::Crc64 crc;
  std::size_t room;
  std::unique_ptr<std::byte[]> buffer;  // not cleared: most files are much smaller
  ltx::PageIndex index;
  std::size_t used = 0;
  std::uint64_t offset = 0;  // in the file
  PageNo last = 0;
  std::uint64_t database_checksum = 0;
  bool closed = false;  // finished, or writing failed
};

Result<void> LtxEncoder::State::check_page(PageNo page, Bytes image) const {
  const auto bad = [&](std::string_view why) {
    return fail(Errc::invalid_argument, base::concat("page ", page, " cannot be added: ", why));
  };
  if (closed) return bad("the file is closed");
  if (page == 0 || page > header.commit) return bad("it is out of bounds for the commit size");
  if (page == lock_page(header.page_size)) return bad("it is the lock page");
  if (page <= last) return bad("pages must ascend");
  if (image.size() != header.page_size) return bad("it has the wrong size");
  if (header.is_snapshot()) {
    const PageNo next = last + 1 == lock_page(header.page_size) ? last + 2 : last + 1;
    if (page != next) {
      return fail(Errc::corrupt, base::concat("nonsequential page numbers in snapshot transaction: ", last, ",", page));
    }
  }
  return {};
}

Result<void> LtxEncoder::State::add(PageNo page, Bytes image, Bytes compressed) {
  if (auto r = check_page(page, image); !r) return r;
  std::byte* frame = buffer.get() + used;  // there is always room for one more
  const std::size_t bound = ltx::compressed_bound(image.size());
  std::size_t size = compressed.size();
  if (compressed.empty()) {
    size = ltx::compress_page(image, {frame + ltx::kBlockHeaderSize, bound});
  } else if (size <= bound) {
    std::copy(compressed.begin(), compressed.end(), frame + ltx::kBlockHeaderSize);
  }
  if (size == 0 || size > bound) return fail(Errc::invalid_argument, "a compressed page has an impossible size");
  base::store_be<std::uint32_t>(frame, page);
  base::store_be<std::uint16_t>(frame + 4, ltx::kPageIsBlock);
  base::store_be<std::uint32_t>(frame + 6, static_cast<std::uint32_t>(size));
  crc.update({frame, ltx::kBlockHeaderSize});
  crc.update(image);
  if ((header.flags & kLtxNoChecksum) == 0) database_checksum ^= ltx::page_checksum(page, image);
  index.add(page, ltx::kBlockHeaderSize + size);
  used += ltx::kBlockHeaderSize + size;
  offset += ltx::kBlockHeaderSize + size;
  last = page;
  return used >= kBuffer ? flush() : Result<void>{};
}

Result<LtxEncoder> LtxEncoder::begin(Writer& out, const LtxHeader& header) {
  if (auto r = check_ltx_header(header); !r) return fail(Errc::invalid_argument, std::move(r.error().message));
  if ((header.flags & kLtxNoChecksum) == 0 && !header.is_snapshot()) {
    return fail(Errc::unsupported, "only snapshots are written with a database checksum");
  }
  auto state = std::make_unique<State>(out, header);
  const auto bytes = ltx::encode_header(header);
  state->crc.update(bytes);
  if (auto r = state->put(bytes); !r) return pass(r);
  return LtxEncoder(std::move(state));
}

Result<void> LtxEncoder::add(PageNo page, Bytes image) { return state_->add(page, image, {}); }

Result<void> LtxEncoder::add(const LtxPage& page) { return state_->add(page.page, page.image, page.compressed); }

Result<LtxTrailer> LtxEncoder::finish() {
  State& s = *state_;
  if (auto r = s.check_complete(); !r) return pass(r);
  constexpr std::array<std::byte, ltx::kPageHeaderSize> kEndOfPages{};
  s.crc.update(kEndOfPages);
  if (auto r = s.put(kEndOfPages); !r) return pass(r);
  if (auto r = s.put_index(); !r) return pass(r);
  auto trailer = s.put_trailer();
  s.closed = true;
  return trailer;
}

Result<void> LtxEncoder::State::check_complete() const {
  if (closed) return fail(Errc::invalid_argument, "the LTX file is closed");
  if (!header.is_snapshot()) return {};
  const PageNo lock = lock_page(header.page_size);
  if (last == header.commit || (header.commit == lock && last == lock - 1)) return {};
  const PageNo missing = last + 1 == lock ? lock + 1 : last + 1;
  return fail(Errc::corrupt,
              base::concat("snapshot is incomplete: page ", missing, " of ", header.commit, " is missing"));
}

Result<void> LtxEncoder::State::put_index() {
  const std::uint64_t start = offset;
  const auto append = [this](Bytes bytes) {
    crc.update(bytes);
    return put(bytes);
  };
  if (auto r = index.each(append); !r) return r;
  constexpr std::array<std::byte, 1> kEndOfIndex{};
  if (auto r = append(kEndOfIndex); !r) return r;
  std::array<std::byte, 8> length{};
  base::store_be<std::uint64_t>(length.data(), offset - start);
  return append(length);
}

Result<LtxTrailer> LtxEncoder::State::put_trailer() {
  LtxTrailer trailer;
  if ((header.flags & kLtxNoChecksum) == 0) trailer.post_apply_checksum = database_checksum | kLtxChecksumBit;
  std::array<std::byte, kLtxTrailerSize> bytes{};
  base::store_be<std::uint64_t>(bytes.data(), trailer.post_apply_checksum);
  crc.update(Bytes(bytes).first(8));
  trailer.file_checksum = crc.value() | kLtxChecksumBit;
  base::store_be<std::uint64_t>(bytes.data() + 8, trailer.file_checksum);
  if (auto r = put(bytes); !r) return pass(r);
  if (auto r = flush(); !r) return pass(r);
  return trailer;
}

std::uint64_t LtxEncoder::bytes_written() const noexcept { return state_->offset; }

LtxEncoder::LtxEncoder(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
LtxEncoder::LtxEncoder(LtxEncoder&&) noexcept = default;
LtxEncoder& LtxEncoder::operator=(LtxEncoder&&) noexcept = default;
LtxEncoder::~LtxEncoder() = default;

}  // namespace replica

// docs/ltx-format.md §6 lists what is checked.
#include <algorithm>
#include <array>
#include <cstring>

#include "base/endian.hpp"
#include "base/text.hpp"
#include "ltx/checksum.hpp"
#include "ltx/header.hpp"
#include "ltx/page_codec.hpp"

namespace replica {
namespace {

// A merge opens many small files at once: the buffer starts small and grows while reads fill it.
constexpr std::size_t kFirstRead = 8U << 10, kLongestRead = 256U << 10;

Failure damaged(std::string why) { return fail(Errc::corrupt, "LTX file is damaged: " + std::move(why)); }

// Bytes of the reader with as much lookahead as asked for.
class Input {
 public:
  explicit Input(Reader& in) : in_(in) {}

  std::uint64_t offset() const noexcept { return consumed_; }
  Bytes available() const noexcept { return Bytes(buffer_).subspan(begin_, end_ - begin_); }
  void consume(std::size_t n) noexcept {
    begin_ += n;
    consumed_ += n;
  }
  // At least `n` bytes in available(), or corrupt.
  Result<void> need(std::size_t n) {
    while (end_ - begin_ < n) {
      auto got = more(n);
      if (!got) return pass(got);
      if (*got == 0) return fail(Errc::corrupt, "unexpected end of file");
    }
    return {};
  }
  // Reads on, with room for `n` bytes, more than are available; 0 at the end.
  Result<std::size_t> more(std::size_t n) {
    if (begin_ > 0) {
      std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    const std::size_t grown = filled_ ? std::min(buffer_.size() * 2, kLongestRead) : buffer_.size();
    buffer_.resize(std::max({n, grown, kFirstRead}));
    auto got = in_.read(MutableBytes(buffer_).subspan(end_));
    if (!got) return got;
    end_ += *got;
    filled_ = end_ == buffer_.size();
    return got;
  }

 private:
  Reader& in_;
  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  bool filled_ = false;  // by the last read, so that there is probably more
  std::uint64_t consumed_ = 0;
};

}  // namespace

struct LtxDecoder::State {
  explicit State(Reader& reader) : in(reader) {}
  Result<std::optional<LtxPage>> next();
  Result<LtxPage> read_page(PageNo page, std::uint16_t flags);
  Result<Bytes> read_block();
  Result<void> read_frame();
  Result<void> read_index();
  Result<void> read_trailer();
  Result<void> check_complete() const;

  Input in;
  LtxHeader header;
  LtxTrailer trailer;
  std::vector<std::byte> image;
  std::size_t held = 0;  // bytes of the last page's frame still in front of the input, for LtxPage::compressed
  ltx::Crc64 crc;
  ltx::Crc64 index_crc;  // of the index that the frames seen so far make
  std::uint64_t index_size = 0;
  std::unique_ptr<ltx::FrameDecoder> frames;  // only for files of the older form
  PageNo last = 0;
  std::uint64_t pages = 0;
  std::uint64_t database_checksum = 0;
  bool done = false, failed = false;
};

Result<LtxDecoder> LtxDecoder::begin(Reader& in) {
  auto state = std::make_unique<State>(in);
  if (auto r = state->in.need(kLtxHeaderSize); !r) return pass(r, "read LTX header");
  const Bytes bytes = state->in.available().first(kLtxHeaderSize);
  auto header = parse_ltx_header(bytes);
  if (!header) return pass(header);
  state->crc.update(bytes);
  state->in.consume(kLtxHeaderSize);
  state->header = *header;
  state->image.resize(header->page_size);
  return LtxDecoder(std::move(state));
}

Result<std::optional<LtxPage>> LtxDecoder::next() {
  if (state_->failed) return damaged("it could not be read further");
  auto page = state_->next();
  state_->failed = !page;
  return page;
}

Result<std::optional<LtxPage>> LtxDecoder::State::next() {
  if (done) return std::optional<LtxPage>();
  in.consume(std::exchange(held, 0));
  if (auto r = in.need(ltx::kPageHeaderSize); !r) return pass(r);
  const std::byte* bytes = in.available().data();
  const auto page = base::load_be<std::uint32_t>(bytes);
  const auto flags = base::load_be<std::uint16_t>(bytes + 4);
  if (page != 0) {
    auto read = read_page(page, flags);
    if (!read) return pass(read);
    return std::optional<LtxPage>(*read);
  }
  if (flags != 0) return damaged("the end of its pages has flags");
  crc.update(in.available().first(ltx::kPageHeaderSize));
  in.consume(ltx::kPageHeaderSize);
  if (auto r = read_index(); !r) return pass(r);
  if (auto r = read_trailer(); !r) return pass(r);
  done = true;
  return std::optional<LtxPage>();
}

Result<LtxPage> LtxDecoder::State::read_page(PageNo page, std::uint16_t flags) {
  if ((flags & ~ltx::kPageIsBlock) != 0) return damaged(base::concat("page ", page, " has unknown flags"));
  if (page <= last) return damaged(base::concat("page ", page, " comes after page ", last));
  if (page > header.commit)
    return damaged(base::concat("page number ", page, " out-of-bounds for commit size ", header.commit));
  if (page == lock_page(header.page_size)) return damaged("it holds the lock page");
  const std::uint64_t start = in.offset();
  LtxPage result{page, image, {}};
  std::uint64_t size = 0;
  if ((flags & ltx::kPageIsBlock) != 0) {
    auto block = read_block();
    if (!block) return pass(block, base::concat("page ", page));
    result.compressed = *block;
    size = held;
  } else {
    if (auto r = read_frame(); !r) return pass(r, base::concat("page ", page));
    size = in.offset() - start;
  }
  crc.update(image);
  if ((header.flags & kLtxNoChecksum) == 0) database_checksum ^= ltx::page_checksum(page, image);
  const ltx::IndexEntryBytes entry({page, start, size});
  index_crc.update(entry.bytes());
  index_size += entry.bytes().size();
  last = page;
  ++pages;
  return result;
}

Result<Bytes> LtxDecoder::State::read_block() {
  if (auto r = in.need(ltx::kBlockHeaderSize); !r) return pass(r);
  const std::size_t size = base::load_be<std::uint32_t>(in.available().data() + ltx::kPageHeaderSize);
  if (size == 0 || size > ltx::compressed_bound(header.page_size)) return damaged("an impossible compressed length");
  if (auto r = in.need(ltx::kBlockHeaderSize + size); !r) return pass(r);
  held = ltx::kBlockHeaderSize + size;
  const Bytes frame = in.available().first(held);
  crc.update(frame.first(ltx::kBlockHeaderSize));
  const Bytes block = frame.subspan(ltx::kBlockHeaderSize);
  if (auto r = ltx::decompress_block(block, image); !r) return pass(r);
  return block;
}

Result<void> LtxDecoder::State::read_frame() {
  crc.update(in.available().first(ltx::kPageHeaderSize));
  in.consume(ltx::kPageHeaderSize);
  if (!frames) frames = std::make_unique<ltx::FrameDecoder>();
  frames->start(image);
  while (!frames->done()) {
    if (auto r = in.need(1); !r) return r;
    auto taken = frames->feed(in.available());
    if (!taken) return pass(taken);
    in.consume(*taken);
    if (*taken == 0 && !frames->done()) return damaged("a page's frame does not end");
  }
  return frames->filled() ? Result<void>{} : Result<void>(damaged("a page expands to less than a page"));
}

// The index must be what the frames make, byte for byte: entries, a zero, and its own length.
Result<void> LtxDecoder::State::read_index() {
  ltx::Crc64 seen;
  for (std::uint64_t left = index_size; left > 0;) {
    if (auto r = in.need(1); !r) return r;
    const std::size_t n = static_cast<std::size_t>(std::min<std::uint64_t>(left, in.available().size()));
    const Bytes part = in.available().first(n);
    seen.update(part);
    crc.update(part);
    in.consume(n);
    left -= n;
  }
  if (seen.value() != index_crc.value()) return damaged("its page index does not match its pages");
  if (auto r = in.need(9); !r) return r;
  const Bytes end = in.available().first(9);
  crc.update(end);
  if (end[0] != std::byte{0} || base::load_be<std::uint64_t>(end.data() + 1) != index_size + 1) {
    return damaged("its page index does not match its pages");
  }
  in.consume(9);
  return {};
}

Result<void> LtxDecoder::State::read_trailer() {
  if (auto r = in.need(kLtxTrailerSize); !r) return r;
  const Bytes bytes = in.available().first(kLtxTrailerSize);
  trailer.post_apply_checksum = base::load_be<std::uint64_t>(bytes.data());
  trailer.file_checksum = base::load_be<std::uint64_t>(bytes.data() + 8);
  crc.update(bytes.first(8));
  in.consume(kLtxTrailerSize);
  if ((crc.value() | kLtxChecksumBit) != trailer.file_checksum) return fail(Errc::corrupt, "file checksum mismatch");
  auto behind = in.available().empty() ? in.more(1) : Result<std::size_t>(in.available().size());
  if (!behind) return pass(behind);
  if (*behind != 0) return damaged("there are bytes behind its end");
  return check_complete();
}

Result<void> LtxDecoder::State::check_complete() const {
  const bool unchecked = (header.flags & kLtxNoChecksum) != 0;
  if (unchecked && trailer.post_apply_checksum != 0) return damaged("it has a post-apply checksum where none may be");
  if (!unchecked && (trailer.post_apply_checksum & kLtxChecksumBit) == 0)
    return damaged("its post-apply checksum is missing");
  if (!header.is_snapshot()) return {};
  const std::uint64_t without_lock = header.commit >= lock_page(header.page_size) ? header.commit - 1 : header.commit;
  if (pages != without_lock) {
    return damaged(base::concat("the snapshot holds ", pages, " of ", without_lock, " pages"));
  }
  if (!unchecked && (database_checksum | kLtxChecksumBit) != trailer.post_apply_checksum) {
    return damaged("the checksum of the database does not match");
  }
  return {};
}

const LtxHeader& LtxDecoder::header() const noexcept { return state_->header; }
const LtxTrailer& LtxDecoder::trailer() const noexcept { return state_->trailer; }

LtxDecoder::LtxDecoder(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
LtxDecoder::LtxDecoder(LtxDecoder&&) noexcept = default;
LtxDecoder& LtxDecoder::operator=(LtxDecoder&&) noexcept = default;
LtxDecoder::~LtxDecoder() = default;

}  // namespace replica

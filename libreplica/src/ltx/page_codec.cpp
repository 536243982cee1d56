#include "ltx/page_codec.hpp"

#include <lz4.h>
#include <lz4frame.h>

#include <array>
#include <new>

namespace replica::ltx {
namespace {

const char* chars(const std::byte* from) noexcept { return reinterpret_cast<const char*>(from); }
char* chars(std::byte* from) noexcept { return reinterpret_cast<char*>(from); }

}  // namespace

std::size_t compressed_bound(std::size_t page_size) noexcept {
  return static_cast<std::size_t>(LZ4_compressBound(static_cast<int>(page_size)));
}

std::size_t compress_page(Bytes image, MutableBytes out) noexcept {
  return static_cast<std::size_t>(LZ4_compress_default(chars(image.data()), chars(out.data()),
                                                       static_cast<int>(image.size()), static_cast<int>(out.size())));
}

Result<void> decompress_block(Bytes block, MutableBytes out) {
  const int n = LZ4_decompress_safe(chars(block.data()), chars(out.data()), static_cast<int>(block.size()),
                                    static_cast<int>(out.size()));
  if (n < 0 || static_cast<std::size_t>(n) != out.size()) return fail(Errc::corrupt, "a page does not decompress");
  return {};
}

struct FrameDecoder::Context {
  Context() {
    if (LZ4F_isError(LZ4F_createDecompressionContext(&lz4, LZ4F_VERSION)) != 0) throw std::bad_alloc();
  }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() { LZ4F_freeDecompressionContext(lz4); }
  LZ4F_dctx* lz4 = nullptr;
};

FrameDecoder::FrameDecoder() : context_(std::make_unique<Context>()) {}
FrameDecoder::~FrameDecoder() = default;

void FrameDecoder::start(MutableBytes out) noexcept {
  LZ4F_resetDecompressionContext(context_->lz4);
  out_ = out;
  written_ = 0;
  done_ = false;
}

Result<std::size_t> FrameDecoder::feed(Bytes in) {
  std::size_t consumed = 0;
  std::array<char, 16> excess;
  while (!done_ && consumed < in.size()) {
    const bool full = filled();
    char* to = full ? excess.data() : chars(out_.data()) + written_;
    std::size_t room = full ? excess.size() : out_.size() - written_;
    std::size_t taken = in.size() - consumed;
    const std::size_t hint = LZ4F_decompress(context_->lz4, to, &room, chars(in.data()) + consumed, &taken, nullptr);
    if (LZ4F_isError(hint) != 0) return fail(Errc::corrupt, "a page does not decompress");
    if (full && room > 0) return fail(Errc::corrupt, "a page expands to more than a page");
    if (!full) written_ += room;
    consumed += taken;
    done_ = hint == 0;
    if (taken == 0 && room == 0 && !done_) break;
  }
  return consumed;
}

}  // namespace replica::ltx

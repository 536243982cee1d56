// One page ↔ LZ4: the only place that knows LZ4. docs/ltx-format.md §2.
#pragma once

#include <memory>
#include <vector>

#include "replica/types.hpp"

namespace replica::ltx {

inline constexpr std::size_t kPageHeaderSize = 6;                     // number and flags
inline constexpr std::size_t kBlockHeaderSize = kPageHeaderSize + 4;  // and the length of the block
inline constexpr std::uint16_t kPageIsBlock = 0x0001;

// Most bytes a compressed page can take.
std::size_t compressed_bound(std::size_t page_size) noexcept;

// Compresses into `out` (at least compressed_bound) and returns the size; 0 = failure, which means a bug.
std::size_t compress_page(Bytes image, MutableBytes out) noexcept;

// Fills `out` from one LZ4 block; corrupt unless it expands to exactly out.size() bytes.
Result<void> decompress_block(Bytes block, MutableBytes out);

// The older form, an LZ4 frame of unknown length: given bytes as they come until it is complete.
class FrameDecoder {
 public:
  FrameDecoder();
  ~FrameDecoder();
  FrameDecoder(const FrameDecoder&) = delete;
  FrameDecoder& operator=(const FrameDecoder&) = delete;

  void start(MutableBytes out) noexcept;  // `out` is exactly one page
  // Consumes from `in`; says how much. done() afterwards tells whether more is needed. corrupt for a damaged frame or
  // one that is larger than a page; a frame that ends early is found by filled().
  Result<std::size_t> feed(Bytes in);
  bool done() const noexcept { return done_; }
  bool filled() const noexcept { return written_ == out_.size(); }

 private:
  struct Context;
  std::unique_ptr<Context> context_;
  MutableBytes out_;
  std::size_t written_ = 0;
  bool done_ = false;
};

}  // namespace replica::ltx

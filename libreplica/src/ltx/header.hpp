// Bytes of the header, and the variable-length integers of the page index.
#pragma once

#include <array>

#include "replica/ltx.hpp"

namespace replica::ltx {

std::array<std::byte, kLtxHeaderSize> encode_header(const LtxHeader& header) noexcept;

// One index entry as unsigned LEB128 numbers: page, offset, size. docs/ltx-format.md §3.
class IndexEntryBytes {
 public:
  explicit IndexEntryBytes(const LtxIndexEntry& entry) noexcept {
    append(entry.page);
    append(entry.offset);
    append(entry.size);
  }
  Bytes bytes() const noexcept { return Bytes(bytes_).first(size_); }

 private:
  void append(std::uint64_t value) noexcept {
    for (; value >= 0x80; value >>= 7) bytes_[size_++] = static_cast<std::byte>(value | 0x80);
    bytes_[size_++] = static_cast<std::byte>(value);
  }
  std::array<std::byte, 30> bytes_{};
  std::size_t size_ = 0;
};

}  // namespace replica::ltx

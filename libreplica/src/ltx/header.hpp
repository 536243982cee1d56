// Bytes of the header, and the variable-length integers of the page index.
#pragma once

#include <array>

#include "base/varint.hpp"
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
    put_varint(value, [this](std::byte byte) { bytes_[size_++] = byte; });
  }
  std::array<std::byte, 3 * kLongestVarint> bytes_{};
  std::size_t size_ = 0;
};

}  // namespace replica::ltx

// https://www.sqlite.org/fileformat2.html §4.1 (format).
#include "base/endian.hpp"
#include "replica/wal.hpp"

namespace replica {
namespace {

constexpr std::uint32_t kMagic = 0x377f0682;  // the lowest bit says big-endian checksums
constexpr std::uint32_t kVersion = 3007000;

std::uint32_t be32(Bytes bytes, std::size_t offset) { return base::load_be<std::uint32_t>(bytes.data() + offset); }

}  // namespace

Result<WalHeader> parse_wal_header(Bytes bytes) {
  if (bytes.size() < kWalHeaderSize) return fail(Errc::corrupt, "wal header is too short");
  if ((be32(bytes, 0) & ~1U) != kMagic) return fail(Errc::corrupt, "wal header has no magic number");
  if (be32(bytes, 4) != kVersion) return fail(Errc::corrupt, "wal header has an unknown version");
  WalHeader header;
  header.big_endian_checksum = (be32(bytes, 0) & 1U) != 0;
  header.page_size = be32(bytes, 8);
  header.sequence = be32(bytes, 12);
  header.salts = {be32(bytes, 16), be32(bytes, 20)};
  header.checksum = {be32(bytes, 24), be32(bytes, 28)};
  if (!is_page_size(header.page_size)) return fail(Errc::corrupt, "wal header has no valid page size");
  if (wal_checksum(header.big_endian_checksum, {}, bytes.first(24)) != header.checksum) {
    return fail(Errc::corrupt, "wal header checksum mismatch");
  }
  return header;
}

std::optional<WalFrame> WalDecoder::next(Bytes bytes) noexcept {
  if (bytes.size() != wal_frame_size(header_.page_size)) return std::nullopt;
  const Bytes image = bytes.subspan(kWalFrameHeaderSize);
  const WalChecksum stored{be32(bytes, 16), be32(bytes, 20)};
  const Salts salts{be32(bytes, 8), be32(bytes, 12)};
  WalFrame frame{be32(bytes, 0), be32(bytes, 4), stored, image};
  if (frame.page == 0) return std::nullopt;
  if (accept_unsummed_ && salts == Salts{} && stored == WalChecksum{}) {
    frame.checksum = std::nullopt;
  } else {
    if (salts != header_.salts) return std::nullopt;
    if (checksum_) {
      WalChecksum sum = wal_checksum(header_.big_endian_checksum, *checksum_, bytes.first(8));
      sum = wal_checksum(header_.big_endian_checksum, sum, image);
      if (sum != stored) return std::nullopt;
    }
  }
  checksum_ = frame.checksum;
  ++frames_;
  return frame;
}

}  // namespace replica

// The fixed parts of a file and its name. docs/ltx-format.md §1, §7.
#include "ltx/header.hpp"

#include <algorithm>
#include <string>

#include "base/endian.hpp"
#include "base/text.hpp"

namespace replica {
namespace {

constexpr std::uint32_t kMagic = 0x4c545831;  // "LTX1"

Failure damaged(std::string why) { return fail(Errc::corrupt, "invalid LTX file: " + std::move(why)); }

template <class T>
T get(Bytes bytes, std::size_t offset) {
  return base::load_be<T>(bytes.data() + offset);
}

std::string hex_flags(std::uint32_t flags) { return "invalid flags: 0x" + base::hex(flags, 8); }

}  // namespace

Result<void> check_ltx_header(const LtxHeader& h) {
  if ((h.flags & ~kLtxNoChecksum) != 0) return damaged(hex_flags(h.flags));
  if (!is_page_size(h.page_size)) return damaged(base::concat("invalid page size: ", h.page_size));
  if (!h.range.min || h.range.max < h.range.min) return damaged("its transaction ids are out of order");
  if (h.wal_offset < 0 || h.wal_size < 0) return damaged("its WAL position is negative");
  const bool has_salts = h.salts != Salts{};
  if ((has_salts || h.wal_size != 0) && h.wal_offset == 0) return damaged("it has WAL fields but no WAL offset");
  const bool unchecked = (h.flags & kLtxNoChecksum) != 0;
  if (h.is_snapshot() || unchecked) {
    if (h.pre_apply_checksum != 0) return damaged("it has a pre-apply checksum where none may be");
  } else if ((h.pre_apply_checksum & kLtxChecksumBit) == 0) {
    return damaged("its pre-apply checksum is missing");
  }
  return {};
}

Result<LtxHeader> parse_ltx_header(Bytes bytes) {
  if (bytes.size() < kLtxHeaderSize) return damaged(base::concat("it has ", bytes.size(), " bytes (minimum 100)"));
  if (get<std::uint32_t>(bytes, 0) != kMagic) return fail(Errc::corrupt, "invalid LTX file");
  LtxHeader h;
  h.flags = get<std::uint32_t>(bytes, 4);
  h.page_size = get<std::uint32_t>(bytes, 8);
  h.commit = get<std::uint32_t>(bytes, 12);
  h.range = {{get<std::uint64_t>(bytes, 16)}, {get<std::uint64_t>(bytes, 24)}};
  h.timestamp = Timestamp(std::chrono::milliseconds(static_cast<std::int64_t>(get<std::uint64_t>(bytes, 32))));
  h.pre_apply_checksum = get<std::uint64_t>(bytes, 40);
  h.wal_offset = static_cast<std::int64_t>(get<std::uint64_t>(bytes, 48));
  h.wal_size = static_cast<std::int64_t>(get<std::uint64_t>(bytes, 56));
  h.salts = {get<std::uint32_t>(bytes, 64), get<std::uint32_t>(bytes, 68)};
  h.node_id = get<std::uint64_t>(bytes, 72);
  if (auto r = check_ltx_header(h); !r) return pass(r);
  return h;
}

namespace ltx {

std::array<std::byte, kLtxHeaderSize> encode_header(const LtxHeader& h) noexcept {
  std::array<std::byte, kLtxHeaderSize> bytes{};
  const auto put32 = [&](std::size_t at, std::uint32_t v) { base::store_be<std::uint32_t>(bytes.data() + at, v); };
  const auto put64 = [&](std::size_t at, std::uint64_t v) { base::store_be<std::uint64_t>(bytes.data() + at, v); };
  put32(0, kMagic);
  put32(4, h.flags);
  put32(8, h.page_size);
  put32(12, h.commit);
  put64(16, h.range.min.value);
  put64(24, h.range.max.value);
  put64(32, static_cast<std::uint64_t>(h.timestamp.time_since_epoch().count()));
  put64(40, h.pre_apply_checksum);
  put64(48, static_cast<std::uint64_t>(h.wal_offset));
  put64(56, static_cast<std::uint64_t>(h.wal_size));
  put32(64, h.salts.one);
  put32(68, h.salts.two);
  put64(72, h.node_id);
  return bytes;
}

}  // namespace ltx

std::string ltx_file_name(TxRange range) { return range.min.text() + "-" + range.max.text() + ".ltx"; }

std::optional<TxRange> parse_ltx_file_name(std::string_view name) {
  constexpr std::size_t kLength = 16 + 1 + 16 + 4;
  if (name.size() != kLength || name[16] != '-' || !name.ends_with(".ltx")) return std::nullopt;
  const bool lower = std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  const auto min = TxId::parse(name.substr(0, 16)), max = TxId::parse(name.substr(17, 16));
  if (!lower || !min || !max || !*min || *max < *min) return std::nullopt;
  return TxRange{*min, *max};
}

}  // namespace replica

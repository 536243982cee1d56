#include "engine/wal_mark.hpp"

#include "base/endian.hpp"
#include "ltx/checksum.hpp"

namespace replica::engine {
namespace {

constexpr std::uint64_t kMagic = 0x4c5357414c4d5232;  // "LSWALMR2"
constexpr std::size_t kSummed = 104;                  // bytes before the checksum
constexpr std::size_t kNoRest = 8;                    // zeros, over what an older mark may have said there

std::string path_below(const std::string& meta_path) { return meta_path + "/wal-mark"; }

std::uint64_t sum_of(Bytes bytes) {
  ltx::Crc64 crc;
  crc.update(bytes.first(kSummed));
  return crc.value();
}

}  // namespace

std::array<std::byte, kWalMarkSize> format_wal_mark(const WalMark& mark) {
  const WalChecksum checksum = mark.position.checksum.value_or(WalChecksum{});
  std::array<std::byte, kWalMarkSize> out{};
  base::store_be(out.data(), kMagic);
  base::store_be(out.data() + 8, mark.txid.value);
  base::store_be(out.data() + 16, static_cast<std::uint64_t>(mark.written_at.time_since_epoch().count()));
  base::store_be(out.data() + 24, mark.position.salts.one);
  base::store_be(out.data() + 28, mark.position.salts.two);
  base::store_be(out.data() + 32, mark.position.page_size);
  base::store_be(out.data() + 36, mark.commit);
  base::store_be(out.data() + 40, mark.position.frames);
  base::store_be(out.data() + 48, checksum.s0);
  base::store_be(out.data() + 52, checksum.s1);
  base::store_be(out.data() + 56, mark.device);
  base::store_be(out.data() + 64, mark.inode);
  if (mark.untouched) {
    base::store_be(out.data() + 72, mark.untouched->size);
    base::store_be(out.data() + 80, static_cast<std::uint64_t>(mark.untouched->modified));
    base::store_be(out.data() + 88, static_cast<std::uint64_t>(mark.untouched->changed));
    base::store_be(out.data() + 96, mark.boot);
  }
  base::store_be(out.data() + kSummed, sum_of(out));
  return out;
}

std::optional<WalMark> parse_wal_mark(Bytes bytes) {
  if (bytes.size() < kWalMarkSize || base::load_be<std::uint64_t>(bytes.data()) != kMagic) return std::nullopt;
  const auto sum = base::load_be<std::uint64_t>(bytes.data() + kSummed);
  if (sum != sum_of(bytes)) return std::nullopt;
  const auto u32 = [&](std::size_t at) { return base::load_be<std::uint32_t>(bytes.data() + at); };
  const auto u64 = [&](std::size_t at) { return base::load_be<std::uint64_t>(bytes.data() + at); };
  WalMark mark;
  mark.txid = TxId{u64(8)};
  mark.written_at = Timestamp(Timestamp::duration(static_cast<Timestamp::rep>(u64(16))));
  mark.position = {{u32(24), u32(28)}, u32(32), u64(40), WalChecksum{u32(48), u32(52)}};
  mark.commit = u32(36);
  mark.device = u64(56);
  mark.inode = u64(64);
  mark.boot = u64(96);
  if (mark.boot != 0)
    mark.untouched = io::FileStamp{.device = mark.device,
                                   .inode = mark.inode,
                                   .size = u64(72),
                                   .modified = static_cast<std::int64_t>(u64(80)),
                                   .changed = static_cast<std::int64_t>(u64(88))};
  if (!is_page_size(mark.position.page_size)) return std::nullopt;
  if (mark.untouched) mark.rest = parse_rest_mark(bytes.subspan(kWalMarkSize), sum);
  return mark;
}

Result<std::optional<WalMark>> read_wal_mark(const std::string& meta_path, io::Gate* gate) {
  auto file = io::File::open(path_below(meta_path), io::File::Mode::read, gate);
  if (!file && file.error().code == Errc::not_found) return std::optional<WalMark>();
  if (!file) return pass(file);
  std::array<std::byte, kWalMarkSize + kRestMarkBase + kMaxDestinationsAtRest * kRestMarkEach> bytes{};
  auto n = file->read_at(0, bytes);
  if (!n) return pass(n);
  return parse_wal_mark(Bytes(bytes).first(*n));
}

Result<void> write_wal_mark(const std::string& meta_path, const WalMark& mark, io::Gate* gate) {
  auto file = io::File::open(path_below(meta_path), io::File::Mode::read_write, gate, 0600);
  if (!file) return pass(file);
  const auto base = format_wal_mark(mark);
  std::vector<std::byte> bytes(base.begin(), base.end());
  std::vector<std::byte> rest;
  if (mark.untouched && mark.rest)
    rest = format_rest_mark(*mark.rest, base::load_be<std::uint64_t>(base.data() + kSummed));
  if (rest.empty()) rest.resize(kNoRest);
  bytes.insert(bytes.end(), rest.begin(), rest.end());
  return file->write_at(0, bytes);
}

}  // namespace replica::engine

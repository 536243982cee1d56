#include "engine/rest_mark.hpp"

#include <limits>
#include <string_view>

#include "base/endian.hpp"
#include "ltx/checksum.hpp"

namespace replica::engine {
namespace {

constexpr std::uint64_t kMagic = 0x4c53415452455354;  // "LSATREST"
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min();

class Fields {
 public:
  explicit Fields(std::size_t size) { bytes_.reserve(size); }
  void add(std::uint64_t value) {
    bytes_.resize(bytes_.size() + sizeof value);
    base::store_be(bytes_.data() + bytes_.size() - sizeof value, value);
  }
  void add(std::int64_t value) { add(static_cast<std::uint64_t>(value)); }
  void add(Timestamp time) { add(std::int64_t{time.time_since_epoch().count()}); }
  void add(std::optional<Timestamp> time) { time ? add(*time) : add(kNever); }
  void add(const io::FileStamp& stamp) {
    add(stamp.device);
    add(stamp.inode);
    add(stamp.size);
    add(stamp.modified);
    add(stamp.changed);
  }
  std::vector<std::byte>& bytes() { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

// The caller has counted the bytes.
class Reading {
 public:
  explicit Reading(Bytes bytes) : bytes_(bytes) {}
  std::uint64_t u64() {
    const auto value = base::load_be<std::uint64_t>(bytes_.data());
    bytes_ = bytes_.subspan(sizeof value);
    return value;
  }
  std::int64_t i64() { return static_cast<std::int64_t>(u64()); }
  Timestamp time() { return Timestamp(Timestamp::duration(static_cast<Timestamp::rep>(i64()))); }
  std::optional<Timestamp> time_or_none() {
    const std::int64_t value = i64();
    if (value == kNever) return std::nullopt;
    return Timestamp(Timestamp::duration(static_cast<Timestamp::rep>(value)));
  }
  io::FileStamp stamp() {
    io::FileStamp stamp;
    stamp.device = u64();
    stamp.inode = u64();
    stamp.size = u64();
    stamp.modified = i64();
    stamp.changed = i64();
    return stamp;
  }

 private:
  Bytes bytes_;
};

std::uint64_t sum_of(Bytes bytes, std::uint64_t of_mark) {
  std::array<std::byte, 8> bound{};
  base::store_be(bound.data(), of_mark);
  ltx::Crc64 crc;
  crc.update(bytes);
  crc.update(bound);
  return crc.value();
}

// "scheme://user:password@host" without ":password".
std::string without_password(std::string_view url) {
  const std::size_t scheme = url.find("://");
  const std::size_t begin = scheme == std::string_view::npos ? 0 : scheme + 3;
  const std::size_t end = std::min(url.find('/', begin), url.size());
  const std::size_t at = url.substr(0, end).rfind('@');
  const std::size_t colon = url.find(':', begin);
  if (at == std::string_view::npos || at < begin || colon >= at) return std::string(url);
  return std::string(url.substr(0, colon)).append(url.substr(at));
}

}  // namespace

std::optional<std::uint64_t> identity_of(const std::vector<DestinationConfig>& destinations,
                                         const ReplicatorOptions& options) {
  ltx::Crc64 crc;
  const auto count = [&](std::int64_t number) {
    std::array<std::byte, 8> bytes{};
    base::store_be(bytes.data(), static_cast<std::uint64_t>(number));
    crc.update(bytes);
  };
  const auto add = [&](std::string_view text) {
    count(static_cast<std::int64_t>(text.size()));
    crc.update(std::as_bytes(std::span(text)));
  };
  for (const DestinationConfig& one : destinations) {
    if (one.url.empty()) return std::nullopt;
    add(one.backend->type());
    add(without_password(one.url));
    // "s3://bucket https://endpoint": two words with an authority each.
    const std::size_t space = std::min(one.server.find(' '), one.server.size());
    add(without_password(std::string_view(one.server).substr(0, space)));
    add(without_password(std::string_view(one.server).substr(space)));
    add(one.path);
    add(one.layout == KeyLayout::hex_levels ? "hex" : "ltx");
  }
  if (destinations.empty()) return std::nullopt;
  count(static_cast<std::int64_t>(options.levels.size()));
  for (const auto& level : options.levels) count(level.count());
  for (const auto& time : {options.snapshot_interval, options.snapshot_retention, options.l0_retention,
                           options.l0_retention_check_interval})
    count(time.count());
  count(options.maintain ? 1 : 0);
  count(options.retention_enabled ? 1 : 0);
  return crc.value();
}

std::string level_zero_path(const std::string& meta_path) { return meta_path + "/ltx/0"; }

std::vector<std::byte> format_rest_mark(const RestMark& mark, std::uint64_t of_mark) {
  const auto& each = mark.destinations.each;
  if (each.size() > kMaxDestinationsAtRest) return {};
  Fields out(kRestMarkBase + each.size() * kRestMarkEach);
  out.add(kMagic);
  out.add(mark.wal.value_or(io::FileStamp{}));
  out.add(mark.level_zero);
  out.add(std::uint64_t{mark.wal ? 1U : 0U});
  out.add(mark.clock_lead);
  out.add(mark.destinations.identity);
  out.add(std::uint64_t{each.size()});
  for (const DestinationAtRest& one : each) {
    out.add(one.last_sync);
    out.add(one.maintenance);
    out.add(one.seen);
    out.add(one.newest_min.value);
  }
  out.add(sum_of(out.bytes(), of_mark));
  return std::move(out.bytes());
}

std::optional<RestMark> parse_rest_mark(Bytes bytes, std::uint64_t of_mark) {
  if (bytes.size() < kRestMarkBase) return std::nullopt;
  Reading in(bytes);
  if (in.u64() != kMagic) return std::nullopt;
  RestMark mark;
  const io::FileStamp wal = in.stamp();
  mark.level_zero = in.stamp();
  if (in.u64() != 0) mark.wal = wal;
  mark.clock_lead = in.i64();
  mark.destinations.identity = in.u64();
  const std::uint64_t count = in.u64();
  if (count > kMaxDestinationsAtRest) return std::nullopt;
  const std::size_t summed = kRestMarkBase - 8 + static_cast<std::size_t>(count) * kRestMarkEach;
  if (bytes.size() < summed + 8) return std::nullopt;
  if (base::load_be<std::uint64_t>(bytes.data() + summed) != sum_of(bytes.first(summed), of_mark)) return std::nullopt;
  for (std::uint64_t n = 0; n < count; ++n) {
    DestinationAtRest one;
    one.last_sync = in.time_or_none();
    one.maintenance = in.time_or_none();
    one.seen = in.time();
    one.newest_min = TxId{in.u64()};
    mark.destinations.each.push_back(one);
  }
  return mark;
}

}  // namespace replica::engine

#include "backend/sftp/wire.hpp"

#include "base/endian.hpp"

namespace replica::backend::sftp {
namespace {

// Which attributes follow.
constexpr std::uint32_t kHasSize = 1, kHasOwner = 2, kHasPermissions = 4, kHasTimes = 8, kHasMore = 0x80000000;
// st_mode as POSIX has it, which SFTP took over.
constexpr std::uint32_t kTypeMask = 0170000, kRegular = 0100000, kDirectory = 0040000, kLink = 0120000;

bool is_of(const std::optional<std::uint32_t>& permissions, std::uint32_t type) {
  return permissions && (*permissions & kTypeMask) == type;
}

}  // namespace

bool Attributes::is_regular() const noexcept { return is_of(permissions, kRegular); }
bool Attributes::is_directory() const noexcept { return is_of(permissions, kDirectory); }
bool Attributes::is_link() const noexcept { return is_of(permissions, kLink); }
Timestamp Attributes::modified_at() const noexcept { return Timestamp(std::chrono::seconds(modified.value_or(0))); }

Packet::Packet(Type type, std::uint32_t number) : data_(5) {
  data_[4] = static_cast<std::byte>(type);
  u32(number);
}

Packet& Packet::u32(std::uint32_t value) {
  data_.resize(data_.size() + sizeof value);
  base::store_be(data_.data() + data_.size() - sizeof value, value);
  return *this;
}

Packet& Packet::u64(std::uint64_t value) {
  data_.resize(data_.size() + sizeof value);
  base::store_be(data_.data() + data_.size() - sizeof value, value);
  return *this;
}

Packet& Packet::bytes(Bytes value) {
  u32(static_cast<std::uint32_t>(value.size()));
  data_.insert(data_.end(), value.begin(), value.end());
  return *this;
}

Packet& Packet::text(std::string_view value) { return bytes(std::as_bytes(std::span(value))); }

Packet& Packet::attributes(const Attributes& value) {
  const bool times = value.accessed && value.modified;
  u32((value.permissions ? kHasPermissions : 0) | (times ? kHasTimes : 0));
  if (value.permissions) u32(*value.permissions);
  if (times) u32(*value.accessed).u32(*value.modified);
  return *this;
}

Bytes Packet::finish() {
  base::store_be(data_.data(), static_cast<std::uint32_t>(data_.size() - 4));
  return data_;
}

Bytes Cursor::take(std::size_t count) {
  if (count > data_.size()) {
    ok_ = false;
    data_ = {};
    return {};
  }
  const Bytes taken = data_.first(count);
  data_ = data_.subspan(count);
  return taken;
}

std::uint8_t Cursor::u8() {
  const Bytes raw = take(1);
  return raw.empty() ? std::uint8_t{0} : std::to_integer<std::uint8_t>(raw[0]);
}

std::uint32_t Cursor::u32() {
  const Bytes raw = take(4);
  return raw.empty() ? 0 : base::load_be<std::uint32_t>(raw.data());
}

std::uint64_t Cursor::u64() {
  const Bytes raw = take(8);
  return raw.empty() ? 0 : base::load_be<std::uint64_t>(raw.data());
}

Bytes Cursor::bytes() { return take(u32()); }

std::string Cursor::text() {
  const Bytes raw = bytes();
  std::string out(raw.size(), '\0');
  for (std::size_t i = 0; i < raw.size(); ++i) out[i] = static_cast<char>(raw[i]);
  return out;
}

Attributes Cursor::attributes() {
  Attributes found;
  const std::uint32_t flags = u32();
  if ((flags & kHasSize) != 0) found.size = u64();
  if ((flags & kHasOwner) != 0) take(8);
  if ((flags & kHasPermissions) != 0) found.permissions = u32();
  if ((flags & kHasTimes) != 0) {
    found.accessed = u32();
    found.modified = u32();
  }
  if ((flags & kHasMore) != 0) {
    for (std::uint32_t count = u32(); count > 0 && ok_; --count) {
      bytes();
      bytes();
    }
  }
  return found;
}

}  // namespace replica::backend::sftp

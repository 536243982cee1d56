// The packets of SFTP version 3 (draft-ietf-secsh-filexfer-02) and OpenSSH's extensions (its file PROTOCOL), as bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "replica/types.hpp"

namespace replica::backend::sftp {

enum class Type : std::uint8_t {
  init = 1,
  version = 2,
  open = 3,
  close = 4,
  read = 5,
  write = 6,
  lstat = 7,
  fstat = 8,
  fsetstat = 10,
  opendir = 11,
  readdir = 12,
  remove = 13,
  mkdir = 14,
  rmdir = 15,
  realpath = 16,
  stat = 17,
  rename = 18,
  status = 101,
  handle = 102,
  data = 103,
  name = 104,
  attributes = 105,
  extended = 200,
  extended_reply = 201,
};

// Of a status reply. The last two are from later versions, and are sent by some servers all the same.
enum class Status : std::uint32_t {
  ok = 0,
  eof = 1,
  no_such_file = 2,
  permission_denied = 3,
  failure = 4,
  bad_message = 5,
  no_connection = 6,
  connection_lost = 7,
  op_unsupported = 8,
  no_space = 14,
  quota_exceeded = 15,
};

// Of open.
inline constexpr std::uint32_t kRead = 1, kWrite = 2, kCreate = 8, kExclusive = 32;

struct Attributes {
  std::optional<std::uint64_t> size{};
  std::optional<std::uint32_t> permissions{};           // with the type of file
  std::optional<std::uint32_t> accessed{}, modified{};  // seconds since 1970

  bool is_regular() const noexcept;
  bool is_directory() const noexcept;
  bool is_link() const noexcept;
  Timestamp modified_at() const noexcept;  // 1970 when the server does not tell
};

// One packet in the making: its length is filled in at the end.
class Packet {
 public:
  Packet(Type type, std::uint32_t number);  // of the request; for init its version
  Packet& u32(std::uint32_t value);
  Packet& u64(std::uint64_t value);
  Packet& text(std::string_view value);  // length and bytes
  Packet& bytes(Bytes value);
  Packet& attributes(const Attributes& value);
  Bytes finish();  // valid as long as the Packet

 private:
  std::vector<std::byte> data_;
};

// Reads what a server sent: never beyond the end. After a read that did not fit everything is zero or empty and ok()
// is false.
class Cursor {
 public:
  explicit Cursor(Bytes data) noexcept : data_(data) {}
  std::uint8_t u8();
  std::uint32_t u32();
  std::uint64_t u64();
  Bytes bytes();  // with a length before
  std::string text();
  Attributes attributes();
  bool ok() const noexcept { return ok_; }
  bool at_end() const noexcept { return data_.empty(); }

 private:
  Bytes take(std::size_t count);
  Bytes data_;
  bool ok_ = true;
};

}  // namespace replica::backend::sftp

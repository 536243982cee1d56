// The bytes of SFTP: what is sent, and what a server may send that is wrong.
#include "backend/sftp/wire.hpp"

#include "sshd.hpp"

using namespace replica;
using namespace replica::backend::sftp;
using namespace servers;

namespace {

std::string hex_of(Bytes bytes) {
  std::string out;
  for (const std::byte byte : bytes) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", std::to_integer<unsigned>(byte));
    out += two;
  }
  return out;
}

}  // namespace

TEST_CASE("SFTP packets are as the draft says") {
  Packet open(Type::open, 0x01020304);
  open.text("a/b").u32(kWrite | kCreate | kExclusive).attributes({.permissions = 0600});
  CHECK(hex_of(open.finish()) ==
        "00000018"
        "03"
        "01020304"
        "00000003612f62"
        "0000002a"
        "00000004"
        "00000180");
  Packet times(Type::fsetstat, 7);
  times.text("h").attributes({.accessed = 1, .modified = 2});
  CHECK(hex_of(times.finish()) ==
        "00000016"
        "0a"
        "00000007"
        "0000000168"
        "00000008"
        "00000001"
        "00000002");
  Packet read(Type::read, 8);
  read.text("h").u64(0x1122334455667788).u32(32768);
  CHECK(hex_of(read.finish()) ==
        "00000016"
        "05"
        "00000008"
        "0000000168"
        "1122334455667788"
        "00008000");
}

TEST_CASE("attributes of a server are read, and cut short at every byte are not") {
  // Size, owner, permissions, times, and an extension of later servers.
  Packet all(Type::attributes, 1);
  all.u32(0x8000000f).u64(5'000'000'000).u32(1).u32(2).u32(0100644).u32(10).u32(20).u32(1).text("name").text("data");
  const Bytes body = all.finish().subspan(9);
  Cursor cursor(body);
  const Attributes read = cursor.attributes();
  CHECK(cursor.ok());
  CHECK(cursor.at_end());
  CHECK(read.size == 5'000'000'000);
  CHECK(read.is_regular());
  CHECK_FALSE(read.is_directory());
  CHECK(read.modified == 20U);
  for (std::size_t length = 0; length < body.size(); ++length) {
    Cursor cut(body.first(length));
    static_cast<void>(cut.attributes());
    CHECK_FALSE(cut.ok());
  }
}

TEST_CASE("a length beyond the end of a packet is not followed") {
  Packet liar(Type::handle, 1);
  liar.u32(0xffffffff);
  Cursor cursor(liar.finish().subspan(9));
  CHECK(cursor.text().empty());
  CHECK_FALSE(cursor.ok());
  CHECK(cursor.u64() == 0);
}

TEST_CASE("a hostile SFTP server is told and left") {
  if (skipped_without(kSshd)) return;
  // After the version packet: what is sent instead of an answer to stat (request 1).
  const auto [bytes, wanted] = GENERATE(table<std::string, std::string>({
      {"\\0\\0\\0\\5e\\0\\0\\0\\1", "the answer makes no sense"},                // a status without a number
      {"\\0\\0\\0\\11e\\0\\0\\0\\1\\0\\0\\0\\0", "the answer makes no sense"},   // "ok" where attributes belong
      {"\\0\\0\\0\\11e\\0\\0\\0\\77\\0\\0\\0\\2", "the answer makes no sense"},  // of a request never made
      {"\\0\\0\\0\\11i\\0\\0\\0\\1\\0\\0\\0\\17", "the answer makes no sense"},  // attributes that are not there
      {"\\0\\0\\0\\2e\\0", "the answer makes no sense"},                         // shorter than any answer
      {"\\0\\0\\0\\0", "what the server sends is not sftp"},                     // empty
      {"\\177\\377\\377\\377", "what the server sends is not sftp"},             // endless
  }));
  INFO(bytes);
  Sshd sshd("ForceCommand /usr/bin/printf '\\0\\0\\0\\5\\2\\0\\0\\0\\3" + bytes + "'; cat >/dev/null");
  auto refused = make_sftp_backend(sshd.options())->stat("a", {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::unavailable);
  INFO(refused.error().message);
  CHECK(refused.error().message.find(wanted) != std::string::npos);
}

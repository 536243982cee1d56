#include "data.hpp"

#include <cstdio>
#include <cstdlib>
#include <random>

namespace micro {

using namespace replica;

namespace {

void put32(ByteVector& out, std::size_t at, std::uint32_t value) {
  for (std::size_t n = 0; n < 4; ++n) out[at + n] = static_cast<std::byte>(value >> (24 - 8 * n));
}

constexpr Salts kSalts{0x12345678, 0x9abcdef0};

}  // namespace

void give_up(const std::string& what) {
  std::fprintf(stderr, "micro: %s\n", what.c_str());
  std::abort();
}

ByteVector page_image(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  ByteVector image(kPageSize);
  for (std::size_t at = 0; at < image.size() / 2; ++at) image[at] = static_cast<std::byte>(random());
  return image;
}

ByteVector make_log(std::uint64_t frames, PageNo pages) {
  ByteVector log(kWalHeaderSize);
  put32(log, 0, 0x377f0682);
  put32(log, 4, 3007000);
  put32(log, 8, kPageSize);
  put32(log, 16, kSalts.one);
  put32(log, 20, kSalts.two);
  WalChecksum sum = wal_checksum(false, {}, Bytes(log).first(24));
  put32(log, 24, sum.s0);
  put32(log, 28, sum.s1);
  for (std::uint64_t n = 0; n < frames; ++n) {
    ByteVector frame(kWalFrameHeaderSize);
    put32(frame, 0, static_cast<PageNo>(1 + n * 7 % pages));
    put32(frame, 4, n % 4 == 3 ? pages : 0);
    put32(frame, 8, kSalts.one);
    put32(frame, 12, kSalts.two);
    const ByteVector image = page_image(n);
    sum = wal_checksum(false, sum, Bytes(frame).first(8));
    sum = wal_checksum(false, sum, image);
    put32(frame, 16, sum.s0);
    put32(frame, 20, sum.s1);
    log.insert(log.end(), frame.begin(), frame.end());
    log.insert(log.end(), image.begin(), image.end());
  }
  return log;
}

ByteVector make_file(TxId txid, PageNo first, PageNo step, std::uint32_t count) {
  MemorySink out;
  LtxHeader header;
  header.page_size = kPageSize;
  header.commit = first + step * count;
  header.range = {txid, txid};
  auto encoder = must(LtxEncoder::begin(out, header));
  for (std::uint32_t n = 0; n < count; ++n) must(encoder.add(first + n * step, page_image(n)));
  must(encoder.finish());
  return out.take();
}

}  // namespace micro

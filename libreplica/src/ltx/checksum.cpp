#include "ltx/checksum.hpp"

#include <array>
#include <cstring>

#include "base/endian.hpp"
#include "replica/ltx.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace replica::ltx {
namespace {

constexpr std::uint64_t kPolynomial = 0xD800000000000000ULL;  // reflected x^64 + x^4 + x^3 + x + 1

constexpr std::uint64_t times_x(std::uint64_t value) noexcept {
  return value >> 1 ^ ((value & 1) != 0 ? kPolynomial : 0);
}

// Eight tables: table k advances a byte over k more bytes.
constexpr auto make_tables() {
  std::array<std::array<std::uint64_t, 256>, 8> tables{};
  for (std::uint64_t byte = 0; byte < 256; ++byte) {
    std::uint64_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = times_x(crc);
    tables[0][byte] = crc;
  }
  for (std::size_t k = 1; k < 8; ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint64_t before = tables[k - 1][byte];
      tables[k][byte] = before >> 8 ^ tables[0][before & 0xff];
    }
  }
  return tables;
}
constexpr auto kTables = make_tables();

#if defined(__x86_64__)
// x^n mod the polynomial, reflected: bit 63 is x^0.
constexpr std::uint64_t power_of_x(int n) noexcept {
  std::uint64_t value = 1ULL << 63;
  for (int i = 0; i < n; ++i) value = times_x(value);
  return value;
}

// A 128-bit block holds x^127 (lowest bit) … x^0; a carry-less product of two reflected halves comes out multiplied by
// x. Moving a block on by n bits therefore multiplies its low half (x^64 …) by x^(n+63) and its high half by x^(n-1).
template <int kBits>
__attribute__((target("pclmul,sse4.1"))) inline __m128i moved(__m128i block) noexcept {
  constexpr auto kHigh = static_cast<long long>(power_of_x(kBits - 1));
  constexpr auto kLow = static_cast<long long>(power_of_x(kBits + 63));
  const __m128i factors = _mm_set_epi64x(kHigh, kLow);
  return _mm_xor_si128(_mm_clmulepi64_si128(block, factors, 0x00), _mm_clmulepi64_si128(block, factors, 0x11));
}

__attribute__((target("pclmul,sse4.1"))) inline __m128i load_block(const std::byte* from) noexcept {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}

// `data` is 64 bytes or more.
__attribute__((target("pclmul,sse4.1"))) std::uint64_t fold(std::uint64_t state, Bytes data) noexcept {
  const std::byte* at = data.data();
  const std::byte* end = at + data.size();
  __m128i a = _mm_xor_si128(load_block(at), _mm_set_epi64x(0, static_cast<long long>(state)));
  __m128i b = load_block(at + 16), c = load_block(at + 32), d = load_block(at + 48);
  for (at += 64; end - at >= 64; at += 64) {
    a = _mm_xor_si128(moved<512>(a), load_block(at));
    b = _mm_xor_si128(moved<512>(b), load_block(at + 16));
    c = _mm_xor_si128(moved<512>(c), load_block(at + 32));
    d = _mm_xor_si128(moved<512>(d), load_block(at + 48));
  }
  a = _mm_xor_si128(moved<128>(a), b);
  a = _mm_xor_si128(moved<128>(a), c);
  a = _mm_xor_si128(moved<128>(a), d);
  for (; end - at >= 16; at += 16) a = _mm_xor_si128(moved<128>(a), load_block(at));
  std::array<std::byte, 16> rest{};
  std::memcpy(rest.data(), &a, sizeof a);
  state = crc64_table(0, rest);
  return crc64_table(state, Bytes(at, static_cast<std::size_t>(end - at)));
}
#endif

}  // namespace

std::uint64_t crc64_table(std::uint64_t state, Bytes data) noexcept {
  std::size_t i = 0;
  for (; i + 8 <= data.size(); i += 8) {
    state ^= base::load_le<std::uint64_t>(data.data() + i);
    state = kTables[7][state & 0xff] ^ kTables[6][state >> 8 & 0xff] ^ kTables[5][state >> 16 & 0xff] ^
            kTables[4][state >> 24 & 0xff] ^ kTables[3][state >> 32 & 0xff] ^ kTables[2][state >> 40 & 0xff] ^
            kTables[1][state >> 48 & 0xff] ^ kTables[0][state >> 56];
  }
  for (; i < data.size(); ++i)
    state = state >> 8 ^ kTables[0][(state ^ std::to_integer<std::uint64_t>(data[i])) & 0xff];
  return state;
}

bool has_carryless_multiply() noexcept {
#if defined(__x86_64__)
  static const bool kAvailable = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
  return kAvailable;
#else
  return false;
#endif
}

std::uint64_t crc64_carryless(std::uint64_t state, Bytes data) noexcept {
#if defined(__x86_64__)
  if (data.size() >= 64) return fold(state, data);
#endif
  return crc64_table(state, data);
}

void Crc64::update(Bytes data) noexcept {
  state_ = has_carryless_multiply() ? crc64_carryless(state_, data) : crc64_table(state_, data);
}

std::uint64_t page_checksum(PageNo page, Bytes image) noexcept {
  std::array<std::byte, 4> number{};
  base::store_be<std::uint32_t>(number.data(), page);
  Crc64 crc;
  crc.update(number);
  crc.update(image);
  return crc.value() | kLtxChecksumBit;
}

}  // namespace replica::ltx

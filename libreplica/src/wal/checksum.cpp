#include "wal/checksum.hpp"

#include <array>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace replica {
namespace wal {
namespace {

template <bool kSwap>
WalChecksum run(WalChecksum sum, Bytes data) noexcept {
  for (std::size_t i = 0; i + 8 <= data.size(); i += 8) {
    std::uint32_t words[2];
    std::memcpy(words, data.data() + i, 8);
    if constexpr (kSwap) {
      words[0] = __builtin_bswap32(words[0]);
      words[1] = __builtin_bswap32(words[1]);
    }
    sum.s0 += words[0] + sum.s1;
    sum.s1 += words[1] + sum.s0;
  }
  return sum;
}

bool is_native(bool big_endian) noexcept { return big_endian == (std::endian::native == std::endian::big); }

#if defined(__x86_64__)
// Each word w of the data makes the next sum out of the last two: u' = u + before + w. So after n words the sum is
// F(n+1) u + F(n) before + the words times F(n), F(n-1) … F(1), with F the Fibonacci numbers modulo 2^32, and no word
// has to wait for the sum of those before it.
constexpr std::size_t kBlockWords = 128;  // 512 bytes, the smallest page
constexpr std::size_t kBlockBytes = kBlockWords * 4;

constexpr auto make_fibonacci() {
  std::array<std::uint32_t, kBlockWords + 2> numbers{0, 1};
  for (std::size_t n = 2; n < numbers.size(); ++n) numbers[n] = numbers[n - 1] + numbers[n - 2];
  return numbers;
}
constexpr auto kFibonacci = make_fibonacci();

// F(128) … F(0): from the first on for the last sum, from the second on for the one before it.
constexpr auto make_weights() {
  std::array<std::uint32_t, kBlockWords + 1> weights{};
  for (std::size_t k = 0; k <= kBlockWords; ++k) weights[k] = kFibonacci[kBlockWords - k];
  return weights;
}
alignas(32) constexpr auto kWeights = make_weights();

__attribute__((target("avx2"))) inline __m256i load(const void* from) noexcept {
  return _mm256_loadu_si256(static_cast<const __m256i*>(from));
}

__attribute__((target("avx2"))) inline std::uint32_t total(__m256i lanes) noexcept {
  __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256(lanes, 1));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4e));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xb1));
  return static_cast<std::uint32_t>(_mm_cvtsi128_si32(sum));
}

// `data` is whole blocks.
template <bool kSwap>
__attribute__((target("avx2"))) WalChecksum run_blocks(WalChecksum sum, Bytes data) noexcept {
  const __m256i swapped = _mm256_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3,  //
                                          12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
  constexpr std::size_t kLanes = 8;
  for (const std::byte* at = data.data(); at != data.data() + data.size(); at += kBlockBytes) {
    __m256i before = _mm256_setzero_si256(), last = _mm256_setzero_si256();
    for (std::size_t k = 0; k < kBlockWords; k += kLanes) {
      __m256i words = load(at + 4 * k);
      if constexpr (kSwap) words = _mm256_shuffle_epi8(words, swapped);
      last = _mm256_add_epi32(last, _mm256_mullo_epi32(words, load(&kWeights[k])));
      before = _mm256_add_epi32(before, _mm256_mullo_epi32(words, load(&kWeights[k + 1])));
    }
    constexpr std::size_t n = kBlockWords;
    sum = {total(before) + kFibonacci[n] * sum.s1 + kFibonacci[n - 1] * sum.s0,
           total(last) + kFibonacci[n + 1] * sum.s1 + kFibonacci[n] * sum.s0};
  }
  return sum;
}
#endif

}  // namespace

WalChecksum checksum_by_words(bool big_endian, WalChecksum seed, Bytes data) noexcept {
  return is_native(big_endian) ? run<false>(seed, data) : run<true>(seed, data);
}

bool has_vector_checksum() noexcept {
#if defined(__x86_64__)
  static const bool kAvailable = __builtin_cpu_supports("avx2") != 0;
  return kAvailable;
#else
  return false;
#endif
}

WalChecksum checksum_by_vectors(bool big_endian, WalChecksum seed, Bytes data) noexcept {
#if defined(__x86_64__)
  if (has_vector_checksum()) {
    const Bytes blocks = data.first(data.size() - data.size() % kBlockBytes);
    seed = is_native(big_endian) ? run_blocks<false>(seed, blocks) : run_blocks<true>(seed, blocks);
    data = data.subspan(blocks.size());
  }
#endif
  return checksum_by_words(big_endian, seed, data);
}

}  // namespace wal

WalChecksum wal_checksum(bool big_endian, WalChecksum seed, Bytes data) noexcept {
  return wal::checksum_by_vectors(big_endian, seed, data);
}

}  // namespace replica

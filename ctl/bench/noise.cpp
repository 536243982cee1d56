#include "bench/noise.hpp"

#include <algorithm>
#include <cstring>

namespace litestreamctl::bench {

using replica::Errc;
using replica::Result;

namespace {

constexpr std::uint64_t kWord = sizeof(std::uint64_t);

// SplitMix64 (https://prng.di.unimi.it/splitmix64.c), at any place of its sequence.
std::uint64_t word_at(std::uint64_t seed, std::uint64_t number) {
  std::uint64_t z = seed + (number + 1) * 0x9e3779b97f4a7c15U;
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31U);
}

}  // namespace

void fill_noise(std::uint64_t seed, std::uint64_t offset, replica::MutableBytes out) {
  while (!out.empty()) {
    const std::uint64_t word = word_at(seed, offset / kWord);
    const std::size_t skipped = offset % kWord;
    const std::size_t count = std::min<std::size_t>(kWord - skipped, out.size());
    std::memcpy(out.data(), reinterpret_cast<const std::byte*>(&word) + skipped, count);
    out = out.subspan(count);
    offset += count;
  }
}

bool is_noise(std::uint64_t seed, std::uint64_t offset, replica::Bytes data) {
  std::byte expected[4096];
  while (!data.empty()) {
    const std::size_t count = std::min(sizeof(expected), data.size());
    fill_noise(seed, offset, {expected, count});
    if (std::memcmp(expected, data.data(), count) != 0) return false;
    data = data.subspan(count);
    offset += count;
  }
  return true;
}

Result<std::size_t> NoiseSource::read(replica::MutableBytes out) {
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), size_ - offset_));
  fill_noise(seed_, offset_, out.first(count));
  offset_ += count;
  return count;
}

Result<void> NoiseSource::rewind() {
  offset_ = 0;
  return {};
}

Result<void> NoiseSink::write(replica::Bytes data) {
  if (!is_noise(seed_, offset_, data)) return replica::fail(Errc::corrupt, "what was put comes back with other bytes");
  offset_ += data.size();
  return {};
}

Result<void> NoiseSink::reset() {
  offset_ = begin_;
  return {};
}

}  // namespace litestreamctl::bench

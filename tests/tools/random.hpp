// Seeded choices. The same seed gives the same sequence on every machine (no std distribution is used).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace tools {

class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(seed * 0x9E3779B97F4A7C15ULL + 0x2545F4914F6CDD1DULL) {}

  // splitmix64
  std::uint64_t next() noexcept {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  // Inclusive.
  int between(int low, int high) noexcept {
    return low + static_cast<int>(next() % (static_cast<std::uint64_t>(high - low) + 1));
  }
  bool chance(double probability) noexcept {
    return static_cast<double>(next() >> 11) / 9007199254740992.0 < probability;
  }
  template <class T>
  T pick(std::initializer_list<T> choices) noexcept {
    return *(choices.begin() + static_cast<std::ptrdiff_t>(next() % choices.size()));
  }
  template <class T>
  const T& pick(const std::vector<T>& choices) noexcept {
    return choices[next() % choices.size()];
  }
  // Half the blobs compress well, as most real data does.
  std::string bytes(std::size_t size) {
    std::string out(size, static_cast<char>(next()));
    if (chance(0.5)) return out;
    for (char& c : out) c = static_cast<char>(next());
    return out;
  }

 private:
  std::uint64_t state_;
};

}  // namespace tools

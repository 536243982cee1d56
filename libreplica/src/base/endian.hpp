// Fixed-width integers from and to bytes, whatever the machine.
#pragma once

#include <concepts>
#include <cstddef>

namespace replica::base {

template <std::unsigned_integral T>
constexpr T load_be(const std::byte* from) noexcept {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value = static_cast<T>(value << 8 | std::to_integer<T>(from[i]));
  return value;
}

template <std::unsigned_integral T>
constexpr T load_le(const std::byte* from) noexcept {
  T value = 0;
  for (std::size_t i = sizeof(T); i-- > 0;) value = static_cast<T>(value << 8 | std::to_integer<T>(from[i]));
  return value;
}

template <std::unsigned_integral T>
constexpr void store_be(std::byte* to, T value) noexcept {
  for (std::size_t i = sizeof(T); i-- > 0; value = static_cast<T>(value >> 8))
    to[i] = static_cast<std::byte>(value & 0xff);
}

template <std::unsigned_integral T>
constexpr void store_le(std::byte* to, T value) noexcept {
  for (std::size_t i = 0; i < sizeof(T); ++i, value = static_cast<T>(value >> 8))
    to[i] = static_cast<std::byte>(value & 0xff);
}

}  // namespace replica::base

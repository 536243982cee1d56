// Small pieces of text that std::format would make, were it in g++ 12.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace replica::base {

// `width` lower-case hex digits, zero-padded.
std::string hex(std::uint64_t value, int width);

inline void append(std::string& out, std::string_view text) { out += text; }
inline void append(std::string& out, std::integral auto number) { out += std::to_string(number); }

// concat("page ", 7, " is missing")
template <class... Parts>
std::string concat(const Parts&... parts) {
  std::string out;
  (append(out, parts), ...);
  return out;
}

}  // namespace replica::base

// What falls due for many databases at once is spread over a while, for each by another part of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace replica::replicator {

// 0 … `whole`.
inline std::chrono::milliseconds part_of(std::chrono::milliseconds whole, const std::string& path) {
  return whole * static_cast<std::int64_t>(std::hash<std::string>()(path) % 256) / 256;
}

}  // namespace replica::replicator

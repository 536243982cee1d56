#include "clearing.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <mutex>
#include <random>
#include <thread>

namespace litestreamctl {

namespace {

constexpr std::chrono::seconds kPatience{60};
constexpr int kThreads = 8;  // a store may be far away

}  // namespace

std::string own_prefix(std::string_view word) {
  std::random_device random;
  char digits[32];
  std::snprintf(digits, sizeof(digits), "-%08x%04x", random(), random() & 0xffffU);
  return std::string(word) + digits;
}

Cleared clear_below(replica::Backend& backend, const std::string& prefix) {
  const replica::Call call{.stop = {}, .deadline = std::chrono::steady_clock::now() + kPatience};
  Cleared cleared;
  std::vector<std::string> keys;
  const auto note = [&](const replica::ObjectInfo& object) { return keys.push_back(object.key), true; };
  if (auto listed = backend.list(prefix + "/", {}, note, call); !listed) {
    cleared.error = listed.error();
    return cleared;
  }
  std::mutex mutex;  // of `cleared`
  std::atomic<std::size_t> next = 0;
  const auto remove_some = [&] {
    for (std::size_t i = next++; i < keys.size(); i = next++) {
      auto removed = backend.remove(keys[i], call);
      if (removed) continue;
      const std::lock_guard lock(mutex);
      cleared.left.push_back(keys[i]);
      cleared.error = removed.error();
    }
  };
  {
    std::vector<std::jthread> threads;
    threads.reserve(kThreads);
    for (int i = 0; i < kThreads; ++i) threads.emplace_back(remove_some);
  }
  std::sort(cleared.left.begin(), cleared.left.end());
  if (!cleared.left.empty()) return cleared;
  if (auto removed = backend.remove_folders(prefix, call); !removed) cleared.error = removed.error();
  return cleared;
}

std::string what_is_left(const Cleared& cleared, const std::string& prefix) {
  const std::size_t count = cleared.left.size();
  const std::string what = count == 0 ? "objects" : count == 1 ? "1 object" : std::to_string(count) + " objects";
  return what + " may be left below " + prefix + "/: " + cleared.error->message;
}

}  // namespace litestreamctl

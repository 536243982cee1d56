#include "descriptors.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <limits>

#include "replica/database.hpp"

namespace litestreamd {
namespace {

// A merge has up to 256 inputs, a listener as many connections; whoever finds no more goes on with less.
constexpr std::size_t kLeast = 128, kMost = 512;

std::atomic<rlim_t> before_raising{0};  // the soft limit; 0 = as it is

}  // namespace

std::size_t raise_descriptor_limit() {
  constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max();
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return kUnlimited;
  const rlimit raised{.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
  if (limit.rlim_cur < limit.rlim_max && ::setrlimit(RLIMIT_NOFILE, &raised) == 0) {
    before_raising = limit.rlim_cur;
    limit = raised;
  }
  return limit.rlim_cur == RLIM_INFINITY ? kUnlimited : static_cast<std::size_t>(limit.rlim_cur);
}

void give_back_descriptor_limit(pid_t child) {
  const rlim_t before = before_raising;
  rlimit limit{};
  if (before == 0 || ::prlimit(child, RLIMIT_NOFILE, nullptr, &limit) != 0) return;
  limit.rlim_cur = std::min(before, limit.rlim_max);
  ::prlimit(child, RLIMIT_NOFILE, &limit, nullptr);
}

std::size_t databases_within(std::size_t limit) {
  const std::size_t kept = std::min(limit / 2, std::clamp(limit / 4, kLeast, kMost));
  return std::max<std::size_t>(1, (limit - kept) / replica::kDescriptorsPerDatabase);
}

std::size_t open_databases(std::size_t wanted, std::size_t limit) {
  const std::size_t most = databases_within(limit);
  return wanted == 0 ? most : std::min(wanted, most);
}

}  // namespace litestreamd

#include "io/small_mutex.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>

namespace replica::io {
namespace {

static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t) &&
              std::atomic<std::uint32_t>::is_always_lock_free);

// The kernel's struct timespec with 64-bit times.
struct KernelTime {
  long long seconds, nanoseconds;
};
#ifdef SYS_futex_time64
constexpr long kFutex = SYS_futex_time64;
#else
constexpr long kFutex = SYS_futex;
#endif

// Sleeps as long as `word` is `value`, or shorter. False: the time is over.
bool sleep_on(std::atomic<std::uint32_t>& word, std::uint32_t value,
              const std::chrono::steady_clock::time_point* until) {
  KernelTime patience{};
  if (until != nullptr) {
    using namespace std::chrono;
    const auto left = duration_cast<nanoseconds>(*until - steady_clock::now());
    if (left.count() <= 0) return false;
    patience = {.seconds = left.count() / 1'000'000'000, .nanoseconds = left.count() % 1'000'000'000};
  }
  ::syscall(kFutex, &word, FUTEX_WAIT_PRIVATE, value, until != nullptr ? &patience : nullptr, nullptr, 0);
  return true;
}

void wake(std::atomic<std::uint32_t>& word, int most) noexcept {
  ::syscall(kFutex, &word, FUTEX_WAKE_PRIVATE, most, nullptr, nullptr, 0);
}

}  // namespace

// Whoever has slept takes it as waited for: others may be asleep still. At worst the next unlock() wakes nobody.
bool SmallMutex::lock_slowly(const std::chrono::steady_clock::time_point* until) {
  while (state_.exchange(kWaitedFor, std::memory_order_acquire) != kFree) {
    if (!sleep_on(state_, kWaitedFor, until)) return false;
  }
  return true;
}

void SmallMutex::wake_one() noexcept { wake(state_, 1); }

// Who goes to sleep counts itself and then looks at the calls; here it is the other way round. So either it is seen
// here, or it sees the call and does not sleep.
void SmallCondition::notify_all() noexcept {
  ++calls_;
  if (sleepers_ > 0) wake(calls_, INT_MAX);
}

void SmallCondition::sleep_while(std::uint32_t seen, const Time* until) { sleep_on(calls_, seen, until); }

}  // namespace replica::io

// Locks of a few bytes, by the kernel's futex: of those of the standard library, 40 and 48 bytes each, an entry that
// is at rest would have nine, and there are many thousands.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace replica::io {

// As std::timed_mutex.
class SmallMutex {
 public:
  SmallMutex() = default;
  SmallMutex(const SmallMutex&) = delete;
  SmallMutex& operator=(const SmallMutex&) = delete;

  void lock() {
    if (!try_lock()) lock_slowly(nullptr);
  }
  bool try_lock() noexcept {
    std::uint32_t state = kFree;
    return state_.compare_exchange_strong(state, kHeld, std::memory_order_acquire, std::memory_order_relaxed);
  }
  template <class Rep, class Period>
  bool try_lock_for(std::chrono::duration<Rep, Period> patience) {
    if (try_lock()) return true;
    const auto until = std::chrono::steady_clock::now() + patience;
    return lock_slowly(&until);
  }
  void unlock() noexcept {
    if (state_.exchange(kFree, std::memory_order_release) == kWaitedFor) wake_one();
  }

 private:
  static constexpr std::uint32_t kFree = 0, kHeld = 1, kWaitedFor = 2;
  bool lock_slowly(const std::chrono::steady_clock::time_point* until);
  void wake_one() noexcept;
  std::atomic<std::uint32_t> state_{kFree};
};

// As std::condition_variable, with any lock. What is waited for changes under that lock.
class SmallCondition {
 public:
  using Time = std::chrono::steady_clock::time_point;

  SmallCondition() = default;
  SmallCondition(const SmallCondition&) = delete;
  SmallCondition& operator=(const SmallCondition&) = delete;

  void notify_all() noexcept;
  template <class Lock, class Predicate>
  void wait(Lock& lock, Predicate is_so) {
    while (!is_so()) sleep(lock, nullptr);
  }
  // Also for no reason, as ever.
  template <class Lock>
  void wait_until(Lock& lock, Time until) {
    sleep(lock, &until);
  }
  template <class Lock, class Rep, class Period>
  void wait_for(Lock& lock, std::chrono::duration<Rep, Period> patience) {
    wait_until(lock, std::chrono::steady_clock::now() + patience);
  }

 private:
  template <class Lock>
  void sleep(Lock& lock, const Time* until) {
    ++sleepers_;
    const std::uint32_t seen = calls_;
    lock.unlock();
    sleep_while(seen, until);
    --sleepers_;
    lock.lock();
  }
  void sleep_while(std::uint32_t seen, const Time* until);
  std::atomic<std::uint32_t> calls_{0};
  std::atomic<std::uint32_t> sleepers_{0};
};

}  // namespace replica::io

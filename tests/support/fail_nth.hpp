// A gate that fails the nth effect. The pattern: for n = 1, 2, 3… run with FailNth(n) until a run meets no failure, and
// look after each that the invariants hold.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "io/gate.hpp"

namespace support {

// Safe from many threads; then "nth" is in the order they come.
class FailNth final : public replica::io::Gate {
 public:
  enum class Then {
    recover,      // one failure, everything after it works
    stay_broken,  // nothing works any more: what is on the disk now is what a crash would leave
  };

  // 0 = never; counts only.
  explicit FailNth(std::uint64_t nth, Then then = Then::recover, replica::Errc code = replica::Errc::io)
      : nth_(nth), then_(then), code_(code) {}

  std::optional<replica::Error> before(std::string_view operation, std::string_view subject) override {
    const std::uint64_t call = ++calls_;
    if (nth_ == 0 || call < nth_ || (call > nth_ && then_ == Then::recover)) return {};
    std::string step = std::string(operation) + " " + std::string(subject);
    if (call == nth_) {
      const std::scoped_lock lock(mutex_);
      failed_ = step;
    }
    return replica::Error{.code = code_, .message = "injected failure of " + std::move(step)};
  }

  std::uint64_t calls() const noexcept { return calls_; }
  bool fired() const noexcept { return nth_ != 0 && calls_ >= nth_; }
  // The step that failed first, as "<operation> <subject>"; empty when none did.
  std::string failed() const {
    const std::scoped_lock lock(mutex_);
    return failed_;
  }

 private:
  const std::uint64_t nth_;
  const Then then_;
  const replica::Errc code_;
  std::atomic<std::uint64_t> calls_ = 0;
  mutable std::mutex mutex_;
  std::string failed_;  // guarded by mutex_
};

// Fails nothing until `failing` is set.
struct FailLater final : replica::io::Gate {
  std::optional<FailNth> failing;
  std::optional<replica::Error> before(std::string_view operation, std::string_view subject) override {
    return failing ? failing->before(operation, subject) : std::nullopt;
  }
};

}  // namespace support

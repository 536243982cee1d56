// What is the same for most databases of a process, once for all that have it.
#pragma once

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace replica::engine {

// Safe from any thread. Of the values seen lately: those of one configuration come one after another.
template <class T>
class Alike {
 public:
  std::shared_ptr<const T> keep(T value) {
    const std::lock_guard guard(lock_);
    const auto known = std::find_if(recent_.rbegin(), recent_.rend(), [&](const auto& one) { return *one == value; });
    if (known != recent_.rend()) return *known;
    if (recent_.size() == kRecent) recent_.erase(recent_.begin());
    recent_.push_back(std::make_shared<const T>(std::move(value)));
    return recent_.back();
  }

 private:
  static constexpr std::size_t kRecent = 16;
  std::mutex lock_;
  std::vector<std::shared_ptr<const T>> recent_;
};

}  // namespace replica::engine

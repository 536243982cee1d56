#include "backend/leftovers.hpp"

#include <utility>

namespace replica::backend {
namespace {

constexpr std::size_t kMost = 100;
constexpr int kMostAttempts = 3;

}  // namespace

void Leftovers::add(One one) {
  const std::scoped_lock lock(mutex_);
  if (all_.size() < kMost) all_.push_back(std::move(one));
}

void Leftovers::clear(const std::function<Result<void>(const One&)>& clear_one) {
  std::vector<One> taken;
  {
    const std::scoped_lock lock(mutex_);
    taken.swap(all_);
  }
  for (auto one = taken.begin(); one != taken.end(); ++one) {
    if (clear_one(*one)) continue;
    if (++one->attempts == kMostAttempts) ++one;
    for (; one != taken.end(); ++one) add(std::move(*one));
    return;
  }
}

}  // namespace replica::backend

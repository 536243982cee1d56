// What could not be cleared away in the time of the call that left it behind.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "replica/result.hpp"

namespace replica::backend {

// Safe from any thread. What is beyond the bound is left to the store's own rules.
class Leftovers {
 public:
  struct One {
    std::string name, id{};
    int attempts = 0;  // in vain
  };
  void add(One one);
  // Until one fails, which is kept with the rest, but not for ever. For a call that has got its own work done.
  void clear(const std::function<Result<void>(const One&)>& clear_one);

 private:
  std::mutex mutex_;
  std::vector<One> all_;  // guarded by mutex_
};

}  // namespace replica::backend

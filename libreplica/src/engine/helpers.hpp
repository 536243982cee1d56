// A second thread for the part of a long step that is arithmetic only. Who owns threads lends them (ADR 3).
#pragma once

#include <functional>
#include <memory>

namespace replica::engine {

// Safe from any thread. Outlives what it lends.
class Helpers {
 public:
  // Work under way; the destructor waits for its end.
  class Help {
   public:
    Help() = default;
    Help(const Help&) = delete;
    Help& operator=(const Help&) = delete;
    virtual ~Help() = default;
  };

  virtual ~Helpers() = default;
  // Runs `work` on another thread. nullptr: none is free, and the caller does all of it.
  virtual std::unique_ptr<Help> begin(std::function<void()> work) = 0;
};

}  // namespace replica::engine

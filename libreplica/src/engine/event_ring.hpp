// The newest events, packed into blocks: thousands of small texts kept apart would hold pages of memory, each of which
// has room for a database.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <vector>

#include "replica/events.hpp"

namespace replica::engine {

// One thread at a time.
class EventRing {
 public:
  explicit EventRing(std::size_t capacity) : capacity_(capacity) {}

  std::size_t size() const noexcept { return size_; }
  // When it is full the oldest one goes.
  void push(const Event& event);
  // At most `limit` from number `first` on, 0 being the oldest; without `seq`.
  std::vector<Event> copy(std::size_t first, std::size_t limit) const;

 private:
  static constexpr std::size_t kEach = 64;  // events of a block
  std::size_t capacity_;
  std::size_t size_ = 0;
  std::size_t gone_ = 0;            // events of the first block that have gone
  std::deque<std::string> blocks_;  // all but the last hold kEach
  std::size_t last_ = kEach;        // events in the last
};

}  // namespace replica::engine

// Feeds events to a hook on threads of its own. The bus is the queue: nobody waits for a hook, and one that is slower
// than events come loses the oldest, which the log says.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "replica/events.hpp"
#include "replica/log.hpp"

namespace litestreamd {

class HookRunner {
 public:
  // Called on one of the hook's threads; returns soon once the stop is requested.
  using Deliver = std::function<void(const replica::Event& event, const std::stop_token& stop)>;

  // `name` is for the log. Begins with the events of number `from`. `bus` and `log` outlive it.
  HookRunner(std::string name, replica::EventBus& bus, replica::EventFilter filter, std::uint64_t from, int threads,
             Deliver deliver, replica::Logger& log);
  ~HookRunner();  // finish() without patience
  HookRunner(const HookRunner&) = delete;
  HookRunner& operator=(const HookRunner&) = delete;

  // Delivers what is there already, for at most `patience`, and ends.
  void finish(std::chrono::milliseconds patience);

 private:
  void work();
  std::optional<replica::Event> next_event();

  std::string name_;
  replica::EventBus& bus_;
  replica::EventFilter filter_;
  Deliver deliver_;
  replica::Logger& log_;
  std::stop_source no_more_;  // events that come from now on are not waited for
  std::stop_source abort_;
  std::mutex lock_;
  std::condition_variable ended_;
  std::uint64_t next_;       // lock_ from here on
  std::size_t working_ = 0;  // threads
  std::vector<std::thread> threads_;
};

}  // namespace litestreamd

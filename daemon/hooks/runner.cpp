#include "hooks/runner.hpp"

namespace litestreamd {

using replica::LogLevel;

HookRunner::HookRunner(std::string name, replica::EventBus& bus, replica::EventFilter filter, std::uint64_t from,
                       int threads, Deliver deliver, replica::Logger& log)
    : name_(std::move(name)),
      bus_(bus),
      filter_(std::move(filter)),
      deliver_(std::move(deliver)),
      log_(log),
      next_(from),
      working_(static_cast<std::size_t>(threads)) {
  for (int n = 0; n < threads; ++n) threads_.emplace_back([this] { work(); });
}

HookRunner::~HookRunner() { finish(std::chrono::milliseconds(0)); }

void HookRunner::finish(std::chrono::milliseconds patience) {
  if (threads_.empty()) return;
  no_more_.request_stop();
  {
    std::unique_lock guard(lock_);
    ended_.wait_for(guard, patience, [this] { return working_ == 0; });
  }
  abort_.request_stop();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  const auto left = bus_.read(next_, filter_, 1);
  if (left && left->events.empty()) return;
  log_.log(LogLevel::warn, "events were not delivered before the end",
           {{"hook", name_}, {"from", std::to_string(next_)}});
}

void HookRunner::work() {
  while (const auto event = next_event()) deliver_(*event, abort_.get_token());
  const std::lock_guard guard(lock_);
  --working_;
  ended_.notify_all();
}

std::optional<replica::Event> HookRunner::next_event() {
  for (;;) {
    std::uint64_t from = 0;
    {
      const std::lock_guard guard(lock_);
      if (abort_.stop_requested()) return std::nullopt;
      auto batch = bus_.read(next_, filter_, 1);
      if (!batch) {
        const std::uint64_t oldest = bus_.oldest();
        log_.log(LogLevel::warn, "a hook is too slow, events were dropped",
                 {{"hook", name_}, {"from", std::to_string(next_)}, {"to", std::to_string(oldest - 1)}});
        next_ = oldest;
        continue;
      }
      next_ = batch->next;
      if (!batch->events.empty()) return std::move(batch->events.front());
      from = next_;
    }
    if (!bus_.wait(from, {.stop = no_more_.get_token()})) return std::nullopt;
  }
}

}  // namespace litestreamd

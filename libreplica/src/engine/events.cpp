#include "replica/events.hpp"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <list>
#include <mutex>
#include <random>

#include "base/glob.hpp"
#include "engine/event_ring.hpp"

namespace replica {
namespace {

constexpr std::array<std::string_view, kEventKinds> kNames{"added",     "removed",  "started",   "stopped",
                                                           "synced",    "snapshot", "compacted", "lagging",
                                                           "caught_up", "error",    "restored",  "auth_failed"};

constexpr std::size_t kCopied = 128;  // events under one lock

std::string new_run() {
  std::random_device random;
  return TxId{(std::uint64_t{random()} << 32U) | random()}.text();
}

}  // namespace

std::string_view name(EventKind kind) noexcept { return kNames[static_cast<std::size_t>(kind)]; }

std::optional<EventKind> parse_event_kind(std::string_view name) noexcept {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<EventKind>(found - kNames.begin());
}

bool EventFilter::matches(const Event& event) const {
  if (!kinds.empty() && std::find(kinds.begin(), kinds.end(), event.kind) == kinds.end()) return false;
  return paths.empty() || std::any_of(paths.begin(), paths.end(),
                                      [&](const std::string& glob) { return base::matches_glob(glob, event.path); });
}

struct EventBus::Impl {
  explicit Impl(std::size_t capacity) : ring(std::max<std::size_t>(capacity, 1)) {}

  std::uint64_t oldest() const { return last + 1 - ring.size(); }

  // A few events from number `from` on: filters are tried without the lock.
  Result<std::vector<Event>> copy(std::uint64_t from) const;

  std::string run = new_run();
  SystemClock system_clock;
  const Clock* clock = nullptr;
  mutable std::mutex lock;
  mutable std::condition_variable_any published;
  std::uint64_t last = 0;  // number of the newest event
  engine::EventRing ring;
  std::mutex listeners_lock;  // held while they are called; never together with `lock`
  std::list<std::function<void()>> listeners;
};

Result<std::vector<Event>> EventBus::Impl::copy(std::uint64_t from) const {
  const std::lock_guard guard(lock);
  if (from > last + 1) {
    return fail(Errc::out_of_range, "there is no event " + std::to_string(from) + " yet",
                "the newest is " + std::to_string(last) + "; numbers begin again with every run");
  }
  if (from < oldest()) {
    return fail(Errc::out_of_range, "events before " + std::to_string(oldest()) + " are gone",
                "go on from " + std::to_string(oldest()) + ", and ask for the state of the databases");
  }
  auto events = ring.copy(from - oldest(), kCopied);
  for (std::size_t n = 0; n < events.size(); ++n) events[n].seq = from + n;
  return events;
}

EventBus::EventBus(std::size_t capacity, const Clock* clock) : impl_(std::make_unique<Impl>(capacity)) {
  impl_->clock = clock != nullptr ? clock : &impl_->system_clock;
}

EventBus::~EventBus() = default;

const std::string& EventBus::run() const noexcept { return impl_->run; }

std::uint64_t EventBus::next() const {
  const std::lock_guard guard(impl_->lock);
  return impl_->last + 1;
}

std::uint64_t EventBus::oldest() const {
  const std::lock_guard guard(impl_->lock);
  return impl_->oldest();
}

void EventBus::publish(Event event) {
  {
    const std::lock_guard guard(impl_->lock);
    event.seq = ++impl_->last;
    event.time = impl_->clock->now();
    impl_->ring.push(event);
  }
  impl_->published.notify_all();
  const std::lock_guard guard(impl_->listeners_lock);
  for (const auto& wake : impl_->listeners) wake();
}

Result<EventBus::Batch> EventBus::read(std::uint64_t from, const EventFilter& filter, std::size_t limit) const {
  Batch batch{.events = {}, .next = from};
  for (;;) {
    auto some = impl_->copy(batch.next);
    // What was found before the rest was overtaken is given all the same; the next call says so.
    if (!some && batch.next == from) return pass(some);
    if (!some || some->empty()) return batch;
    for (Event& event : *some) {
      if (batch.events.size() == limit) return batch;
      batch.next = event.seq + 1;
      if (filter.matches(event)) batch.events.push_back(std::move(event));
    }
  }
}

bool EventBus::wait(std::uint64_t from, const Call& call) const {
  std::unique_lock guard(impl_->lock);
  const auto there = [&] { return impl_->last >= from; };
  if (!call.deadline) return impl_->published.wait(guard, call.stop, there);
  return impl_->published.wait_until(guard, call.stop, *call.deadline, there);
}

std::unique_ptr<EventBus::Listener> EventBus::listen(std::function<void()> wake) {
  class Registration final : public Listener {
   public:
    Registration(Impl& impl, std::function<void()> wake) : impl_(impl) {
      const std::lock_guard guard(impl_.listeners_lock);
      at_ = impl_.listeners.insert(impl_.listeners.end(), std::move(wake));
    }
    ~Registration() override {
      const std::lock_guard guard(impl_.listeners_lock);
      impl_.listeners.erase(at_);
    }
    Registration(const Registration&) = delete;
    Registration& operator=(const Registration&) = delete;

   private:
    Impl& impl_;
    std::list<std::function<void()>>::iterator at_;
  };
  return std::make_unique<Registration>(*impl_, std::move(wake));
}

}  // namespace replica

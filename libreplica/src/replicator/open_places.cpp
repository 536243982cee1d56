#include "replicator/open_places.hpp"

#include <algorithm>

namespace replica::replicator {
namespace {

constexpr std::chrono::milliseconds kSlice{50};  // a stop request does not wake who waits
constexpr std::chrono::milliseconds kSoonest{5};

}  // namespace

OpenPlaces::OpenPlaces(std::size_t limit, const engine::Environment& environment, Timer& timer, Request request,
                       std::function<void(std::function<void()>)> submit, int jobs)
    : limited_(limit > 0),
      environment_(environment),
      timer_(timer),
      request_(std::move(request)),
      submit_(std::move(submit)),
      most_jobs_(std::max(1, jobs)),
      budget_(limit) {}

std::size_t OpenPlaces::taken() const {
  const std::lock_guard guard(lock_);
  return budget_.taken();
}

OpenPlaces::Use OpenPlaces::again(const std::shared_ptr<Entry>& entry) {
  if (!limited_) return {*this, entry};
  const std::lock_guard guard(lock_);
  const auto number = budget_.enter_again(entry.get());
  return number != 0 ? Use(*this, entry, number) : Use();
}

OpenPlaces::Use OpenPlaces::enter(const std::shared_ptr<Entry>& entry, LaneId id) {
  if (!limited_) return {*this, entry};
  Next next;
  Use use;
  {
    const std::lock_guard guard(lock_);
    Known& known = known_[entry.get()];
    known.entry = entry;
    if (const auto number = budget_.enter(entry.get(), OpenBudget::Who::lane, environment_.clock->steady())) {
      use = Use(*this, entry, number);
      take_lanes(known, next);
    } else {
      const auto same = [&](LaneId one) { return one.lane == id.lane && one.destination == id.destination; };
      if (std::none_of(known.lanes.begin(), known.lanes.end(), same)) known.lanes.push_back(id);
      next = serve();
    }
  }
  carry_out(std::move(next));
  return use;
}

Result<OpenPlaces::Use> OpenPlaces::enter(const std::shared_ptr<Entry>& entry, const Call& call) {
  if (!limited_) return Use(*this, entry);
  std::unique_lock lock(lock_);
  Known& known = known_[entry.get()];  // stays: we are among its calls
  known.entry = entry;
  ++known.calls;
  for (;;) {
    Next next;
    const auto number = budget_.enter(entry.get(), OpenBudget::Who::call, environment_.clock->steady());
    if (number != 0) {
      --known.calls;
      take_lanes(known, next);
    } else {
      next = serve();
    }
    lock.unlock();
    carry_out(std::move(next));
    if (number != 0) return Use(*this, entry, number);
    if (auto r = call.check("open database"); !r) {
      give_up(*entry);
      return pass(r, "too many databases are open");
    }
    lock.lock();
    const auto slice = std::chrono::steady_clock::now() + kSlice;
    granted_.wait_until(lock, call.deadline ? std::min(slice, *call.deadline) : slice);
  }
}

void OpenPlaces::give_up(Entry& entry) {
  Next next;
  {
    const std::lock_guard guard(lock_);
    const auto known = known_.find(&entry);
    if (--known->second.calls > 0 || !known->second.lanes.empty()) return;
    budget_.withdraw(&entry);
    forget_unknown(&entry);
    next = serve();
  }
  carry_out(std::move(next));
}

void OpenPlaces::leave(const Use& use) {
  if (!limited_) return;
  const engine::Database& database = use.entry_->database;
  Next next;
  {
    const std::lock_guard guard(lock_);
    const auto now = environment_.clock->steady();
    if (budget_.leave(use.entry_.get(), use.number_, use.light_, database.is_open(), now))
      forget_unknown(use.entry_.get());
    next = serve();
  }
  carry_out(std::move(next));
}

void OpenPlaces::Use::lighten() {
  if (!entry_ || light_ || !places_->limited_) return;
  light_ = true;
  Next next;
  {
    const std::lock_guard guard(places_->lock_);
    places_->budget_.lighten(entry_.get(), number_);
    next = places_->serve();
  }
  places_->carry_out(std::move(next));
}

void OpenPlaces::changed(const Entry& entry) {
  if (!limited_) return;
  const std::lock_guard guard(lock_);
  budget_.changed(&entry, environment_.clock->steady());
}

void OpenPlaces::withdraw(const Entry& entry) {
  if (!limited_) return;
  Next next;
  {
    const std::lock_guard guard(lock_);
    const auto known = known_.find(&entry);
    if (known == known_.end()) return;
    known->second.lanes.clear();
    if (known->second.calls == 0) budget_.withdraw(&entry);
    forget_unknown(&entry);
    next = serve();
  }
  carry_out(std::move(next));
}

void OpenPlaces::settle(const Entry& entry) {
  if (!limited_) return;
  Next next;
  {
    const std::lock_guard guard(lock_);
    budget_.settle(&entry, entry.database.is_open());
    forget_unknown(&entry);
    next = serve();
  }
  carry_out(std::move(next));
}

void OpenPlaces::take_lanes(Known& known, Next& next) {
  if (known.lanes.empty()) return;
  const auto entry = known.entry.lock();
  for (const LaneId id : std::exchange(known.lanes, {}))
    if (entry) next.lanes.emplace_back(entry, id);
}

void OpenPlaces::forget_unknown(OpenBudget::Id id) {
  const auto known = known_.find(id);
  if (known != known_.end() && known->second.calls == 0 && !budget_.knows(id)) known_.erase(known);
}

// Places to those whose turn it is, and somebody to make places for the others.
OpenPlaces::Next OpenPlaces::serve() {
  Next next;
  for (const OpenBudget::Id id : budget_.grant()) {
    Known& known = known_[id];
    if (known.calls > 0) granted_.notify_all();
    take_lanes(known, next);
  }
  if (budget_.waiting() == 0) return next;
  const auto now = environment_.clock->steady();
  const auto when = budget_.next_try();
  if (when && *when <= now && jobs_ < most_jobs_) {
    ++jobs_;
    next.jobs = 1;
  } else if (when && *when > now && !std::exchange(timed_, true)) {
    next.timer = std::max(*when, now + kSoonest);
  }
  return next;
}

void OpenPlaces::carry_out(Next next) {
  for (const auto& [entry, id] : next.lanes) request_(entry, id);
  if (next.jobs > 0) submit_([this] { relieve(); });
  if (!next.timer) return;
  timer_.at(*next.timer, [this](Timer::Time) {
    Next then;
    {
      const std::lock_guard guard(lock_);
      timed_ = false;
      then = serve();
    }
    carry_out(std::move(then));
  });
}

void OpenPlaces::relieve() {
  for (;;) {
    std::optional<OpenBudget::Victim> victim;
    std::shared_ptr<Entry> entry;
    Next next;
    {
      const std::lock_guard guard(lock_);
      victim = budget_.victim(environment_.clock->steady());
      if (victim) entry = known_[victim->id].entry.lock();
      if (victim && !entry) {
        budget_.answered(*victim, OpenBudget::Answer::gone, environment_.clock->steady());
        forget_unknown(victim->id);
      }
      if (!victim) {
        --jobs_;
        next = serve();
      }
    }
    if (!victim) return carry_out(std::move(next));
    if (entry) let_go_of(*victim, entry);
  }
}

void OpenPlaces::let_go_of(const OpenBudget::Victim& victim, const std::shared_ptr<Entry>& entry) {
  using Way = engine::Database::Way;
  using Answer = OpenBudget::Answer;
  engine::Database& database = entry->database;
  const TxId before = database.captured();
  auto way = database.make_way({}, victim.at_any_rate);
  if (!way) {
    // The next capture meets what is wrong, and says so.
    environment_.logger->log(LogLevel::debug, "not let go of",
                             {{"path", database.config().path}, {"error", way.error().message}});
  }
  const bool soon = way && *way == Way::soon;
  Next next;
  {
    const std::lock_guard guard(lock_);
    // A lane that came right after us may have opened it again, and left.
    const bool gone = !database.is_open();
    const auto answer = gone ? Answer::gone : soon ? Answer::soon : Answer::not_now;
    budget_.answered(victim, answer, environment_.clock->steady());
    forget_unknown(victim.id);
    next = serve();
  }
  if (database.captured() != before)
    for (std::size_t n = 0; n < database.destinations(); ++n) next.lanes.emplace_back(entry, LaneId(Lane::ship, n));
  carry_out(std::move(next));
}

}  // namespace replica::replicator

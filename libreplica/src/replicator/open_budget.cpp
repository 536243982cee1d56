#include "replicator/open_budget.hpp"

#include <algorithm>

namespace replica::replicator {
namespace {

// For calls, when lanes hold all they may.
std::size_t kept_of(std::size_t limit) { return limit < 2 ? 0 : std::clamp<std::size_t>(limit / 8, 1, 16); }

}  // namespace

OpenBudget::OpenBudget(std::size_t limit) : limit_(limit), kept_(kept_of(limit)) {}

bool OpenBudget::is_first(Id id, Who who) const {
  if (!calls_.empty()) return who == Who::call && calls_.begin()->second == id;
  return who == Who::call || lanes_.empty() || lanes_.begin()->second == id;
}

void OpenBudget::stand(Id id, Place& place, Who who) {
  if (place.ticket != 0) {
    if (who == Who::lane || place.who == Who::call) return;
    lanes_.erase(place.ticket);
  }
  place.who = who;
  place.ticket = ++tickets_;
  line(who).emplace(place.ticket, id);
  if (!listed_) begin_lists();
}

void OpenBudget::hold(Id id, Place& place, Time now) {
  if (place.ticket != 0) line(place.who).erase(place.ticket);
  if (place.state == State::waiting) ++taken_;
  if (place.state != State::held) {
    place.since = place.quiet_from = now;
    place.number = ++numbers_;
  }
  place.state = State::held;
  place.ticket = 0;
  unlist(id, place);
  ++place.users;
}

std::uint64_t OpenBudget::enter(Id id, Who who, Time now) {
  Place& place = places_[id];
  if (place.state == State::waiting && !(has_room(who) && is_first(id, who))) {
    stand(id, place, who);
    return 0;
  }
  hold(id, place, now);
  return place.number;
}

std::uint64_t OpenBudget::enter_again(Id id) {
  const auto found = places_.find(id);
  if (found == places_.end() || found->second.state != State::held) return 0;
  hold(id, found->second, found->second.since);
  return found->second.number;
}

OpenBudget::Place* OpenBudget::held(Id id, std::uint64_t number) {
  const auto found = places_.find(id);
  const bool same = found != places_.end() && found->second.state == State::held && found->second.number == number;
  return same ? &found->second : nullptr;
}

void OpenBudget::lighten(Id id, std::uint64_t number) {
  Place* place = held(id, number);
  if (!place) return;
  unlist(id, *place);
  ++place->light;
  list(id, *place);
}

bool OpenBudget::leave(Id id, std::uint64_t number, bool light, bool open, Time now) {
  Place* place = held(id, number);
  if (!place) return true;  // it was let go of
  unlist(id, *place);
  --place->users;
  place->light -= light ? 1 : 0;
  if (place->users == 0 && !open) {
    drop(id);
    return true;
  }
  place->refused_until.reset();  // what stood in the way may be over
  list(id, *place);
  readmit(now);
  return false;
}

void OpenBudget::settle(Id id, bool open) {
  const auto found = places_.find(id);
  if (found == places_.end() || open) return;
  if (found->second.state == State::held && found->second.users == found->second.light) drop(id);
}

void OpenBudget::changed(Id id, Time now) {
  const auto found = places_.find(id);
  if (found == places_.end() || found->second.state != State::held) return;
  unlist(id, found->second);
  found->second.quiet_from = now + kQuiet;
  list(id, found->second);
}

void OpenBudget::withdraw(Id id) {
  const auto found = places_.find(id);
  if (found != places_.end() && found->second.state != State::held) drop(id);
}

std::vector<OpenBudget::Id> OpenBudget::grant() {
  std::vector<Id> granted;
  for (const Who who : {Who::call, Who::lane}) {
    Line& waiting = line(who);
    while (!waiting.empty() && has_room(who)) {
      const Id id = waiting.begin()->second;
      waiting.erase(waiting.begin());
      Place& place = places_[id];
      place.ticket = 0;
      place.state = State::promised;
      ++taken_;
      granted.push_back(id);
    }
    if (!waiting.empty()) break;  // lanes stand behind calls
  }
  return granted;
}

std::optional<OpenBudget::Victim> OpenBudget::victim(Time now) {
  readmit(now);
  if (waiting() <= asked_ + soon_) return std::nullopt;
  std::optional<Victim> found;
  if (!quiet_.empty() && quiet_.begin()->first <= now) {
    found = Victim{quiet_.begin()->second, false};
  } else if (!turns_.empty() && (!calls_.empty() || turns_.begin()->first + kTurn <= now)) {
    found = Victim{turns_.begin()->second, true};
  }
  if (!found) return std::nullopt;
  Place& place = places_[found->id];
  unlist(found->id, place);
  ++place.users;
  ++asked_;
  return found;
}

void OpenBudget::answered(const Victim& victim, Answer answer, Time now) {
  --asked_;
  const auto found = places_.find(victim.id);
  if (found == places_.end()) return;
  Place& place = found->second;
  unlist(victim.id, place);
  --place.users;
  // Who came meanwhile opens it again.
  if (answer == Answer::gone && place.users == place.light) return drop(victim.id);
  place.refused_until = now + kAgain;
  place.may_turn = answer == Answer::not_now && !victim.at_any_rate;
  place.soon = answer == Answer::soon;
  list(victim.id, place);
}

std::optional<OpenBudget::Time> OpenBudget::next_try() const {
  std::optional<Time> first;
  const auto take = [&](const ByTime& times, ms later) {
    if (!times.empty()) first = std::min(first.value_or(Time::max()), times.begin()->first + later);
  };
  take(refused_, ms(0));
  if (waiting() > asked_ + soon_) {
    take(quiet_, ms(0));
    take(turns_, calls_.empty() ? kTurn : ms(0));
  }
  return first;
}

void OpenBudget::begin_lists() {
  listed_ = true;
  for (auto& [id, place] : places_) {
    if (place.state == State::held) list(id, place);
  }
}

void OpenBudget::end_lists() {
  listed_ = false;
  for (ByTime* times : {&quiet_, &turns_, &refused_}) times->clear();
  soon_ = 0;
}

void OpenBudget::list(Id id, Place& place) {
  if (!listed_ || place.users > place.light) return;
  if (place.refused_until) {
    refused_.emplace(*place.refused_until, id);
    soon_ += place.soon ? 1 : 0;
    if (place.may_turn) turns_.emplace(place.since, id);
    return;
  }
  if (place.users == 0) quiet_.emplace(place.quiet_from, id);
  turns_.emplace(place.since, id);
}

void OpenBudget::unlist(Id id, Place& place) {
  if (!listed_) return;
  quiet_.erase({place.quiet_from, id});
  turns_.erase({place.since, id});
  if (place.refused_until && refused_.erase({*place.refused_until, id}) > 0 && place.soon) --soon_;
}

void OpenBudget::drop(Id id) {
  const auto found = places_.find(id);
  Place& place = found->second;
  unlist(id, place);
  if (place.ticket != 0) line(place.who).erase(place.ticket);
  if (place.state != State::waiting) --taken_;
  places_.erase(found);
  if (listed_ && waiting() == 0 && taken_ <= limit_ / 2) end_lists();
}

// Those that could not go the last time may be asked again.
void OpenBudget::readmit(Time now) {
  while (!refused_.empty() && refused_.begin()->first <= now) {
    const Id id = refused_.begin()->second;
    Place& place = places_[id];
    unlist(id, place);
    place.refused_until.reset();
    list(id, place);
  }
}

}  // namespace replica::replicator

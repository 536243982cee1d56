// Which of the databases are open when not all may be. A policy: no I/O, no lock, no clock.
//
// Who finds no place stands in line, calls before lanes, each in the order they came. Places are made by letting go of
// the database that has been quiet for longest; when none is quiet, of the one that has been open for longest and has
// had its turn. So a busy database keeps its place as long as others can give up theirs, and when more are busy than
// places are there they take turns: each is open once in (databases / places) turns.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "replica/clock.hpp"

namespace replica::replicator {

class OpenBudget {
 public:
  using Id = const void*;
  using Time = Clock::Steady;
  using ms = std::chrono::milliseconds;
  static constexpr ms kQuiet{1000};  // since the last change that a database is quiet
  static constexpr ms kTurn{2000};   // of a busy one while others wait
  static constexpr ms kAgain{60};    // until one that could not be let go of is asked again: stamps settle in 50 ms

  // 0 = no limit: everybody may enter, nothing else is of use.
  explicit OpenBudget(std::size_t limit);

  bool is_limited() const noexcept { return limit_ > 0; }
  std::size_t taken() const noexcept { return taken_; }  // open, or about to be
  bool knows(Id id) const { return places_.contains(id); }
  std::size_t waiting() const noexcept { return calls_.size() + lanes_.size(); }

  // A call has a person or a program behind it: some places are kept for calls, and the turn of another is not waited
  // for.
  enum class Who { lane, call };
  // The number of its place, which has one user more; 0: it stands in line.
  std::uint64_t enter(Id id, Who who, Time now);
  std::uint64_t enter_again(Id id);  // only when it has a place
  // The user gets along without the database from now on, if need be: it may be let go of at any rate.
  void lighten(Id id, std::uint64_t number);
  // One user less, one that was lightened or not. Without a user and not open it gives up its place. True: it has none.
  bool leave(Id id, std::uint64_t number, bool light, bool open, Time now);
  // As leave(), for one that was closed without a user.
  void settle(Id id, bool open);
  // Something of it was captured. For one that has a place.
  void changed(Id id, Time now);
  // It does not wait any more.
  void withdraw(Id id);

  // Gives the places that are free to those whose turn it is: they need only enter().
  std::vector<Id> grant();

  struct Victim {
    Id id;
    bool at_any_rate;  // it had its turn, or a call waits
  };
  // Whom to let go of now for those in line: it counts as a user until the answer.
  std::optional<Victim> victim(Time now);
  enum class Answer { gone, soon, not_now };  // soon: what stands in the way has been seen to
  void answered(const Victim& victim, Answer answer, Time now);
  // When victim() may find somebody, if nothing happens before.
  std::optional<Time> next_try() const;

 private:
  enum class State { waiting, promised, held };
  struct Place {
    State state = State::waiting;
    Who who = Who::lane;
    std::uint64_t ticket = 0;  // while it stands in line
    std::uint64_t number = 0;  // while it is held
    int users = 0, light = 0;  // the latter among the former
    Time since{}, quiet_from{};
    std::optional<Time> refused_until{};
    bool may_turn = true, soon = false;  // as of that answer
  };
  using Line = std::map<std::uint64_t, Id>;
  using ByTime = std::set<std::pair<Time, Id>>;
  // Who may go is listed from when the first stands in line until half of the places are free: where there are enough,
  // coming and going touches none of these lists.
  void begin_lists();
  void end_lists();

  Line& line(Who who) { return who == Who::call ? calls_ : lanes_; }
  bool has_room(Who who) const noexcept { return taken_ < (who == Who::call ? limit_ : limit_ - kept_); }
  bool is_first(Id id, Who who) const;
  void stand(Id id, Place& place, Who who);
  void hold(Id id, Place& place, Time now);
  Place* held(Id id, std::uint64_t number);
  void list(Id id, Place& place);
  void unlist(Id id, Place& place);
  void drop(Id id);
  void readmit(Time now);

  std::size_t limit_, kept_, taken_ = 0, asked_ = 0, soon_ = 0;
  std::uint64_t tickets_ = 0, numbers_ = 0;
  boost::unordered_flat_map<Id, Place> places_;  // close together: a look at an idle database touches few cold pages
  Line calls_, lanes_;
  bool listed_ = false;
  // Of those that have a place and no user; turns_ also with light ones. Empty unless listed_.
  ByTime quiet_, turns_, refused_;
};

}  // namespace replica::replicator

// The places of OpenBudget for the databases of a Replicator: lanes stand in line without a thread, calls wait, and
// databases are let go of by jobs of the capture pool. Without a limit it does nothing.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "replicator/lanes.hpp"
#include "replicator/open_budget.hpp"
#include "replicator/timer.hpp"

namespace replica::replicator {

class OpenPlaces {
 public:
  using Request = std::function<void(const std::shared_ptr<Entry>&, LaneId)>;

  // As long as it lives its database is not let go of for others. Void: there is no place, and it must not be opened.
  class Use {
   public:
    Use() = default;
    Use(Use&& other) noexcept
        : places_(other.places_), entry_(std::move(other.entry_)), number_(other.number_), light_(other.light_) {}
    Use& operator=(Use&& other) noexcept {
      std::swap(places_, other.places_);
      std::swap(entry_, other.entry_);
      std::swap(number_, other.number_);
      std::swap(light_, other.light_);
      return *this;
    }
    ~Use() {
      if (entry_) places_->leave(*this);
    }
    explicit operator bool() const noexcept { return entry_ != nullptr; }
    // What is to come gets along when the database is let go of after all: a store may be silent for long.
    void lighten();
    engine::Database::Opening opening() const noexcept {
      return entry_ ? engine::Database::Opening::yes : engine::Database::Opening::no;
    }

   private:
    friend class OpenPlaces;
    Use(OpenPlaces& places, std::shared_ptr<Entry> entry, std::uint64_t number = 0)
        : places_(&places), entry_(std::move(entry)), number_(number) {}
    OpenPlaces* places_ = nullptr;
    std::shared_ptr<Entry> entry_;
    std::uint64_t number_ = 0;  // of the place
    bool light_ = false;
  };

  // `request` asks for a run of a lane whose turn has come; `submit` runs a job on a thread that may do I/O, `jobs` of
  // them at a time.
  OpenPlaces(std::size_t limit, const engine::Environment& environment, Timer& timer, Request request,
             std::function<void(std::function<void()>)> submit, int jobs);

  bool is_limited() const noexcept { return limited_; }
  // Void while it has no place.
  Use again(const std::shared_ptr<Entry>& entry);
  // Void: the lane stands in line, and is requested when its turn has come.
  Use enter(const std::shared_ptr<Entry>& entry, LaneId id);
  // Waits for a place.
  Result<Use> enter(const std::shared_ptr<Entry>& entry, const Call& call);
  void changed(const Entry& entry);
  // Its lanes do not wait any more.
  void withdraw(const Entry& entry);
  // It was closed.
  void settle(const Entry& entry);
  std::size_t taken() const;

 private:
  using Steady = Clock::Steady;
  struct Known {
    std::weak_ptr<Entry> entry;
    std::vector<LaneId> lanes{};  // that stand in line
    int calls = 0;                // that do
  };
  void leave(const Use& use);
  void give_up(Entry& entry);
  // What is to be asked of others once the lock is free.
  struct Next {
    std::vector<std::pair<std::shared_ptr<Entry>, LaneId>> lanes;
    int jobs = 0;
    std::optional<Steady> timer;
  };
  Next serve();
  static void take_lanes(Known& known, Next& next);
  void forget_unknown(OpenBudget::Id id);
  void carry_out(Next next);
  void relieve();
  void let_go_of(const OpenBudget::Victim& victim, const std::shared_ptr<Entry>& entry);

  const bool limited_;
  engine::Environment environment_;
  Timer& timer_;
  Request request_;
  std::function<void(std::function<void()>)> submit_;
  const int most_jobs_;
  mutable std::mutex lock_;  // taken before no other
  std::condition_variable granted_;
  OpenBudget budget_;
  std::unordered_map<OpenBudget::Id, Known> known_;
  int jobs_ = 0;        // submitted, or at work
  bool timed_ = false;  // the timer will look
};

}  // namespace replica::replicator

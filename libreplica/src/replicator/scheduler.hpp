// Runs the lanes of all databases on a bounded set of threads, woken by directory events and times.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "io/directory_watch.hpp"
#include "replica/replicator.hpp"
#include "replicator/lanes.hpp"
#include "replicator/open_places.hpp"
#include "replicator/timer.hpp"
#include "replicator/turns.hpp"
#include "replicator/worker_pool.hpp"

namespace replica::replicator {

// Threads: `threads` for capture, as many for shipping, two for maintenance, one timer, one for directory events; more
// while jobs take long.
class Scheduler {
 public:
  // The databases there are; asked from any thread, with no lock held.
  struct Known {
    std::function<std::shared_ptr<Entry>(std::string_view path)> find;
    std::function<std::vector<std::shared_ptr<Entry>>()> all;
  };
  Scheduler(const ReplicatorOptions& options, engine::Environment environment, Known known);
  ~Scheduler();

  // Lanes of `entry` run from now on, until disable().
  void enable(const std::shared_ptr<Entry>& entry);
  // No lane of `entry` runs any more when it returns.
  void disable(const std::shared_ptr<Entry>& entry);
  // Asks for a run at `when`, or sooner if it is due sooner already; not before the end of the pause after a failure.
  void request(const std::shared_ptr<Entry>& entry, LaneId id, Clock::Steady when);
  void request_now(const std::shared_ptr<Entry>& entry, LaneId id) { request(entry, id, now()); }
  void end_pause(Entry& entry, LaneId id);
  QueueDepths queue_depths() const;
  void stop();

  // The time from which a writer's change is captured: at once, or a spacing behind the last one.
  Clock::Steady next_capture(Entry& entry) const;
  // Opens a database that hibernates; it is let go of again in its time.
  Result<void> wake(const std::shared_ptr<Entry>& entry, const Call& call);
  // opening.cpp: the same for a call, which holds the place for as long as it needs it open.
  Result<OpenPlaces::Use> open(const std::shared_ptr<Entry>& entry, const Call& call);
  // A place ahead of those that wait for theirs, for the lanes of `entry` to open it.
  Result<OpenPlaces::Use> hurry(const std::shared_ptr<Entry>& entry, const Call& call) {
    return places_.enter(entry, call);
  }
  // Captures for a call; the place, if it takes one. With `to_ship` what was captured before can be read too.
  struct Opened {
    OpenPlaces::Use use;
    engine::Database::Captured captured;
  };
  Result<Opened> capture(const std::shared_ptr<Entry>& entry, bool to_ship, const Call& call);
  // It was closed.
  void settle(const Entry& entry) { places_.settle(entry); }
  void look_soon(const std::shared_ptr<Entry>& entry);
  // After a capture or an upload that was not the lanes'.
  void note_progress(const std::shared_ptr<Entry>& entry);
  void publish(Event event) const { environment_.publish(std::move(event)); }

 private:
  using Steady = Clock::Steady;
  WorkerPool& pool(Lane lane);
  std::shared_ptr<Pace> pace_of(const DestinationConfig& config);
  Job job(const std::shared_ptr<Entry>& entry, LaneId id);
  void postpone(Entry& entry, LaneId id, int failures);
  void dispatch(const std::shared_ptr<Entry>& entry, LaneId id);
  void run(const std::shared_ptr<Entry>& entry, LaneId id);
  // May the lane run now, and open the database? False: it stands in line, or has nothing to do.
  bool admit(const std::shared_ptr<Entry>& entry, LaneId id, OpenPlaces::Use& use, const Call& call);
  void run_admitted(const std::shared_ptr<Entry>& entry, LaneId id, OpenPlaces::Use& use, const Call& call);
  // lane_runs.cpp
  void run_capture(const std::shared_ptr<Entry>& entry, OpenPlaces::Use& use, const Call& call);
  void request_uploads(const std::shared_ptr<Entry>& entry, Steady earliest, bool all);
  void run_tend(const std::shared_ptr<Entry>& entry, const Call& call);
  void run_ship(const std::shared_ptr<Entry>& entry, std::size_t number, OpenPlaces::Use& use, const Call& call);
  Result<bool> maintain(const std::shared_ptr<Entry>& entry, std::size_t number, OpenPlaces::Use& use,
                        const Call& call);
  void run_maintain(const std::shared_ptr<Entry>& entry, std::size_t number, OpenPlaces::Use& use, const Call& call);
  void after_maintenance_change(const std::shared_ptr<Entry>& entry, std::size_t number);
  Result<void> restore_missing(Entry& entry, const Call& call);
  int count_failure(Entry& entry, LaneId id, const Error& error, std::string_view what);
  // hibernation.cpp; next_look: how long until it, as far as no event comes
  std::chrono::milliseconds next_look(Entry& entry) const;
  bool may_hibernate(Entry& entry) const;
  void hibernate_if_quiet(Entry& entry, const Call& call);
  void tell_rest();
  // staying_at_rest.cpp
  Result<bool> stay_at_rest(const std::shared_ptr<Entry>& entry, const Call& call);
  void confirm_in_time(const std::shared_ptr<Entry>& entry);
  void watch_lag(const std::shared_ptr<Entry>& entry);
  void watch_lag(const std::shared_ptr<Entry>& entry, std::size_t number);
  void watch_directory(const std::shared_ptr<Entry>& entry);
  // A writer pays for each event that tells us what we know: the watch of a busy database is taken away, and looks at
  // its spacing take its place.
  void mute(Entry& entry);
  void unmute(Entry& entry);
  void set_polled(Entry& entry, bool polled);
  // Between two looks at one that is polled: all of them together take no more than so many a second.
  std::chrono::milliseconds polling_pause() const;
  void watch_events();
  void wake(const std::string& directory, const std::string& name);
  Steady now() const { return environment_.clock->steady(); }

  engine::Environment environment_;
  std::chrono::milliseconds lag_limit_;
  std::function<bool()> loses_event_;
  std::function<void()> after_rest_;
  std::atomic<bool> rest_to_tell_{false};  // the timer will
  const Known known_;
  std::atomic<std::size_t> polled_{0};  // entries that are polled for want of watches
  std::unique_ptr<io::DirectoryWatch> watch_;
  std::mutex paces_lock_;
  std::map<std::string, std::weak_ptr<Pace>> paces_;  // by server
  Turns late_;
  Timer timer_;
  WorkerPool capture_pool_, ship_pool_, maintain_pool_;
  std::thread watcher_;
  OpenPlaces places_;
};

}  // namespace replica::replicator

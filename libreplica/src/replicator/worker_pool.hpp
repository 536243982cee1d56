// A number of threads that run jobs in the order given, and some more for those that are slow: a server that does not
// answer must not use up the threads of the others.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "replicator/timer.hpp"

namespace replica::replicator {

// How the jobs of one server go; shared by all of them.
struct Pace {
  std::atomic<int> overdue{0};    // running for longer than is usual
  std::atomic<bool> slow{false};  // the last one that ended took that long
};

struct Job {
  std::function<void()> run;
  std::shared_ptr<Pace> pace{};  // may be nullptr
  bool slow = false;             // known to be
  bool waits = false;            // for a disk or a server most of its time, and takes little memory

  bool is_slow() const { return slow || (pace && (pace->slow || pace->overdue > 0)); }
};

class WorkerPool {
 public:
  // A job that takes longer than `usual` counts as slow from then on. `timer` outlives the pool.
  WorkerPool(int threads, Timer& timer, std::chrono::milliseconds usual = std::chrono::seconds(2));
  ~WorkerPool();  // finishes what runs, drops what waits

  void submit(Job job);
  std::size_t waiting() const;  // jobs that no thread has taken yet
  // Ends the threads that have nothing to do, and with them what each keeps of freed memory, scattered over as many
  // pages. The next jobs get new ones. From any thread, also from a job.
  void let_idle_go();
  // No job runs and none will when this returns.
  void stop();

 private:
  struct Running {
    Job job;
    Timer::Time since;
    bool slow;  // takes no place of the others
  };
  void work();
  bool take(std::unique_lock<std::mutex>& lock);
  bool usual_may_run() const;
  void run(Job job, bool slow, std::unique_lock<std::mutex>& lock);
  void leave();
  void hire();
  void start_thread();
  void watch();
  void look();

  const std::size_t limit_;  // of each kind at once
  Timer& timer_;
  const std::chrono::milliseconds usual_;
  mutable std::mutex lock_;
  std::condition_variable changed_, asked_all_;
  std::deque<Job> jobs_, slow_jobs_;
  std::list<Running> running_;
  std::size_t usual_running_ = 0, slow_running_ = 0, idle_ = 0;
  std::size_t to_ask_ = 0;  // so many of the idle have not heard yet that they may go
  bool watched_ = false;    // the timer will look
  bool stopping_ = false;
  std::vector<std::thread> threads_, gone_;
};

}  // namespace replica::replicator

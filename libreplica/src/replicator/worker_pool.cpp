#include "replicator/worker_pool.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace replica::replicator {
namespace {

constexpr std::size_t kMostThreads = 8;  // for each of the usual ones

}  // namespace

WorkerPool::WorkerPool(int threads, Timer& timer, std::chrono::milliseconds usual)
    : limit_(static_cast<std::size_t>(std::max(1, threads))), timer_(timer), usual_(usual) {
  const std::lock_guard guard(lock_);
  while (threads_.size() < limit_) start_thread();
}

WorkerPool::~WorkerPool() { stop(); }

void WorkerPool::submit(Job job) {
  {
    const std::lock_guard guard(lock_);
    if (stopping_) return;
    (job.is_slow() ? slow_jobs_ : jobs_).push_back(std::move(job));
    hire();
  }
  changed_.notify_one();
}

std::size_t WorkerPool::waiting() const {
  const std::lock_guard guard(lock_);
  return jobs_.size() + slow_jobs_.size();
}

void WorkerPool::stop() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard guard(lock_);
    stopping_ = true;
    jobs_.clear();
    slow_jobs_.clear();
    threads = std::move(threads_);
    std::move(gone_.begin(), gone_.end(), std::back_inserter(threads));
    gone_.clear();
  }
  changed_.notify_all();
  asked_all_.notify_all();
  for (std::thread& thread : threads) thread.join();
}

void WorkerPool::let_idle_go() {
  std::vector<std::thread> gone;
  {
    std::unique_lock lock(lock_);
    to_ask_ = idle_;
    changed_.notify_all();
    asked_all_.wait(lock, [this] { return to_ask_ == 0 || stopping_; });
    gone.swap(gone_);
  }
  for (std::thread& thread : gone) thread.join();
}

// One more thread when a job could run and nobody is free for it.
void WorkerPool::hire() {
  const bool runnable = usual_may_run() || (!slow_jobs_.empty() && slow_running_ < limit_);
  if (stopping_ || !runnable || idle_ > 0 || threads_.size() >= kMostThreads * limit_) return;
  start_thread();
}

// With jobs that mostly wait, twice as many keep the processors busy.
bool WorkerPool::usual_may_run() const {
  return !jobs_.empty() && usual_running_ < (jobs_.front().waits ? 2 * limit_ : limit_);
}

void WorkerPool::start_thread() {
  ++idle_;  // it will be
  threads_.emplace_back([this] { work(); });
}

void WorkerPool::work() {
  std::unique_lock lock(lock_);
  for (;;) {
    --idle_;
    const bool may_go = to_ask_ > 0;
    if (may_go && --to_ask_ == 0) asked_all_.notify_all();
    bool worked = false;
    while (!stopping_ && take(lock)) worked = true;
    if (stopping_) return;
    if (may_go && !worked) return leave();
    ++idle_;
    changed_.wait(lock);
  }
}

void WorkerPool::leave() {
  const auto self = std::find_if(threads_.begin(), threads_.end(),
                                 [](const std::thread& one) { return one.get_id() == std::this_thread::get_id(); });
  gone_.push_back(std::move(*self));
  threads_.erase(self);
}

// Runs a job whose turn it is; false when there is none.
bool WorkerPool::take(std::unique_lock<std::mutex>& lock) {
  // What was found to be slow while it waited stands aside.
  for (; !jobs_.empty() && jobs_.front().is_slow(); jobs_.pop_front()) slow_jobs_.push_back(std::move(jobs_.front()));
  const bool usual = usual_may_run();
  if (!usual && (slow_jobs_.empty() || slow_running_ >= limit_)) return false;
  auto& queue = usual ? jobs_ : slow_jobs_;
  Job job = std::move(queue.front());
  queue.pop_front();
  run(std::move(job), !usual, lock);
  return true;
}

void WorkerPool::run(Job job, bool slow, std::unique_lock<std::mutex>& lock) {
  ++(slow ? slow_running_ : usual_running_);
  const auto since = std::chrono::steady_clock::now();
  const auto at = running_.insert(running_.end(), {.job = std::move(job), .since = since, .slow = slow});
  watch();
  hire();  // for what stands behind it
  lock.unlock();
  at->job.run();
  at->job.run = nullptr;  // what it holds goes without the lock
  lock.lock();
  --(at->slow ? slow_running_ : usual_running_);
  if (const auto& pace = at->job.pace) {
    if (at->slow && !slow) --pace->overdue;
    pace->slow = std::chrono::steady_clock::now() - since > usual_;
  }
  running_.erase(at);
}

void WorkerPool::watch() {
  const auto oldest = std::find_if(running_.begin(), running_.end(), [](const Running& one) { return !one.slow; });
  if (oldest == running_.end() || std::exchange(watched_, true)) return;
  timer_.at(oldest->since + usual_, [this](Timer::Time) { look(); });
}

// Jobs that have become slow give up their places.
void WorkerPool::look() {
  bool freed = false;
  {
    const std::lock_guard guard(lock_);
    watched_ = false;
    if (stopping_) return;
    const auto before = std::chrono::steady_clock::now() - usual_;
    for (Running& one : running_) {
      if (one.slow || one.since > before) continue;
      one.slow = freed = true;
      --usual_running_;
      ++slow_running_;
      if (one.job.pace) ++one.job.pace->overdue;
    }
    watch();
    hire();
  }
  if (freed) changed_.notify_all();
}

}  // namespace replica::replicator

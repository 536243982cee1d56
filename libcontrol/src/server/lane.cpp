#include "server/lane.hpp"

#include <pthread.h>

#include <csignal>
#include <system_error>

namespace control {

std::thread start_thread(const char* name, std::function<void()> body) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // the new thread inherits it
  std::thread thread([name, body = std::move(body)] {
    pthread_setname_np(pthread_self(), name);
    body();
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

Lane::Lane(const char* name, std::size_t max_threads) : name_(name), max_threads_(max_threads) {
  threads_.push_back(start_thread(name_, [this] { work(); }));
}

void Lane::grow() {
  try {
    threads_.push_back(start_thread(name_, [this] { work(); }));
  } catch (const std::system_error&) {
    max_threads_ = threads_.size();  // the system gives no more: those there are will do
  }
}

void Lane::submit(std::function<void()> job) {
  bool crowded = false;
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    crowded = jobs_.size() > idle_;
  }
  if (crowded && threads_.size() < max_threads_) grow();
  changed_.notify_one();
}

void Lane::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Lane::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    --idle_;
    if (jobs_.empty()) return;
    std::function<void()> job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    job = nullptr;  // what it holds is let go before the lock is taken
    lock.lock();
  }
}

}  // namespace control

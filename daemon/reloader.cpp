#include "reloader.hpp"

namespace litestreamd {

Reloader::Reloader(std::function<void(std::stop_token)> reload) : reload_(std::move(reload)) {}

void Reloader::request() {
  {
    const std::lock_guard lock(lock_);
    requested_ = true;
  }
  changed_.notify_all();
  if (!thread_.joinable()) thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
}

void Reloader::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
}

void Reloader::work(const std::stop_token& stop) {
  std::unique_lock lock(lock_);
  while (changed_.wait(lock, stop, [this] { return requested_; }) && !stop.stop_requested()) {
    requested_ = false;
    lock.unlock();
    reload_(stop);
    lock.lock();
  }
}

}  // namespace litestreamd

// Reloads on a thread of its own, so that signals are heard while a database is being closed. One at a time; what is
// asked for meanwhile is done once afterwards.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

namespace litestreamd {

class Reloader {
 public:
  explicit Reloader(std::function<void(std::stop_token)> reload);
  ~Reloader() { stop(); }
  Reloader(const Reloader&) = delete;
  Reloader& operator=(const Reloader&) = delete;

  void request();
  // Interrupts what runs and waits for its end. Nothing is reloaded any more.
  void stop();

 private:
  void work(const std::stop_token& stop);

  std::function<void(std::stop_token)> reload_;
  std::mutex lock_;
  std::condition_variable_any changed_;
  bool requested_ = false;
  std::jthread thread_;  // from the first request on
};

}  // namespace litestreamd

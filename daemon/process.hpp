// The daemon as a process: signals as events, the exec child, word to systemd.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "replica/result.hpp"

namespace litestreamd {

// Owns a descriptor.
class Fd {
 public:
  explicit Fd(int fd = -1) noexcept : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept;
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd();
  int get() const noexcept { return fd_; }

 private:
  int fd_;
};

struct Event {
  enum class Kind { signal, woken } kind;
  int signal = 0;
};

// SIGTERM, SIGINT, SIGHUP and SIGCHLD, read in order by one thread instead of interrupting all of them.
class Events {
 public:
  // Blocks the signals in the calling thread: call it before any other thread is started, for they inherit that.
  static replica::Result<Events> open();
  // Waits for the next one. Only one thread may call it.
  replica::Result<Event> next();
  // Makes next() return `woken`. Any thread.
  void wake() noexcept;

 private:
  Events(Fd signals, Fd wakeups) noexcept : signals_(std::move(signals)), wakeups_(std::move(wakeups)) {}
  Fd signals_, wakeups_;
};

// The command of -exec, with our environment, stdout and stderr and an ordinary signal mask.
class Child {
 public:
  // `cannot parse exec command: …`, `cannot start exec command: …`.
  static replica::Result<Child> spawn(const std::string& command);
  void signal(int number) const noexcept;
  // What a shell would call its exit status (128 + n after a signal), once it has ended.
  std::optional<int> try_wait();
  pid_t pid() const noexcept { return pid_; }

 private:
  explicit Child(pid_t pid) noexcept : pid_(pid) {}
  pid_t pid_;
};

// "READY=1", "STOPPING=1" to systemd, see sd_notify(3); nothing happens without $NOTIFY_SOCKET.
replica::Result<void> notify_supervisor(const std::string& state);

}  // namespace litestreamd

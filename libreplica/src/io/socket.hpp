// A TCP connection that is waited for with patience: a Call that is stopped ends the wait at once.
#pragma once

#include <cstdint>
#include <string>

#include "io/file.hpp"
#include "replica/clock.hpp"

namespace replica::io {

// Owns the descriptor, which does not block. One thread at a time.
class Socket {
 public:
  // Every address of the name is tried in turn, until `until`. Nagle's delay is off, keepalive on. Looking up the name
  // cannot be interrupted.
  static Result<Socket> connect(const std::string& host, std::uint16_t port, Clock::Steady until, const Call& call);

  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&&) = delete;
  ~Socket();

  Result<int> duplicate() const;  // for a library that wants to own its descriptor
  // True when there is something to read (or the connection has ended), or room to write if `writing`; false when
  // `pause` is over first. `cancelled` or `timed_out` when the Call is.
  Result<bool> wait(bool writing, std::chrono::milliseconds pause, const Call& call, std::string_view what) const;

 private:
  Socket(int fd, int wake) : fd_(fd), wake_(wake) {}
  int fd_ = -1;
  int wake_ = -1;  // eventfd
};

}  // namespace replica::io

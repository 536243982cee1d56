#include "io/socket.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/text.hpp"
#include "io/system.hpp"

namespace replica::io {
namespace {

using std::chrono::milliseconds;

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

Failure unreachable(std::string_view what, int code) {
  Error error = errno_error(code, "connect to", what);
  error.code = Errc::unavailable;
  error.hint = "check that the server runs and that host and port are right";
  return Failure(std::move(error));
}

Result<Addresses> look_up(const std::string& host, std::uint16_t port) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &found);
  if (code == 0) return Addresses(found);
  return fail(Errc::unavailable, base::concat("look up ", host, ": ", ::gai_strerror(code)),
              "check the name of the host and the resolver");
}

void set_option(int fd, int level, int option) {
  const int on = 1;
  // Without them the connection is slower, not wrong.
  static_cast<void>(::setsockopt(fd, level, option, &on, sizeof on));
}

int error_of(int fd) {
  int code = 0;
  socklen_t size = sizeof code;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) == 0 ? code : errno;
}

}  // namespace

Socket::Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)), wake_(std::exchange(other.wake_, -1)) {}

Socket::~Socket() {
  if (fd_ >= 0) ::close(fd_);
  if (wake_ >= 0) ::close(wake_);
}

Result<Socket> Socket::connect(const std::string& host, std::uint16_t port, Clock::Steady until, const Call& call) {
  const std::string what = base::concat(host, ":", port);
  auto addresses = look_up(host, port);
  if (!addresses) return pass(addresses);
  int failed = ETIMEDOUT;
  for (const addrinfo* one = addresses->get(); one != nullptr; one = one->ai_next) {
    const int fd = ::socket(one->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    Socket made(fd, ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (fd < 0 || made.wake_ < 0) return unreachable(what, errno);
    set_option(fd, IPPROTO_TCP, TCP_NODELAY);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE);
    failed = ::connect(fd, one->ai_addr, one->ai_addrlen) == 0 ? 0 : errno;
    if (failed == EINPROGRESS) {
      const auto left = std::chrono::ceil<milliseconds>(until - std::chrono::steady_clock::now());
      auto ready = made.wait(true, std::max(left, milliseconds(0)), call, base::concat("connect to ", what));
      if (!ready) return pass(ready);
      failed = *ready ? error_of(fd) : ETIMEDOUT;
    }
    if (failed == 0) return made;
  }
  return unreachable(what, failed);
}

Result<int> Socket::duplicate() const {
  const int copy = ::fcntl(fd_, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return Failure(errno_error(errno, "duplicate", "socket"));
  return copy;
}

Result<bool> Socket::wait(bool writing, milliseconds pause, const Call& call, std::string_view what) const {
  if (auto going = call.check(what); !going) return pass(going);
  const std::stop_callback wake(call.stop, [this] { static_cast<void>(::eventfd_write(wake_, 1)); });
  auto until = std::chrono::steady_clock::now() + pause;
  if (call.deadline) until = std::min(until, *call.deadline);
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(until - std::chrono::steady_clock::now());
    pollfd watched[] = {{fd_, static_cast<short>(POLLIN | (writing ? POLLOUT : 0)), 0}, {wake_, POLLIN, 0}};
    const int ready = ::poll(watched, 2, static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000)));
    if (ready < 0 && errno != EINTR) return Failure(errno_error(errno, "wait for", what));
    if (call.stop.stop_requested() || left.count() <= 0) {
      if (auto going = call.check(what); !going) return pass(going);
    }
    if (ready > 0 && watched[0].revents != 0) return true;
    eventfd_t ignored = 0;  // left over from a Call that was stopped before
    if (ready > 0) static_cast<void>(::eventfd_read(wake_, &ignored));
    if (left.count() <= 0) return false;
  }
}

}  // namespace replica::io

#include "client/client_socket.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "net/address.hpp"

namespace control {
namespace {

using std::chrono::milliseconds;

Failure transport_failure(std::string message, std::string reason = "unavailable") {
  const bool retryable = reason != "invalid_address";
  return fail({.code = code::kTransport,
               .message = std::move(message),
               .reason = std::move(reason),
               .hint = {},
               .retryable = retryable});
}

Failure dial_failure(const std::string& what, int error) {
  return transport_failure(what + ": connect: " + errno_text(error));
}

milliseconds left(Deadline deadline) {
  const auto now = std::chrono::steady_clock::now();
  return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(deadline - now));
}

// False when the deadline passed first.
Result<bool> wait_for(int fd, short events, Deadline deadline) {
  for (;;) {
    pollfd poller{.fd = fd, .events = events, .revents = 0};
    const auto limit = std::min(left(deadline), milliseconds(3'600'000));
    const int n = ::poll(&poller, 1, static_cast<int>(limit.count()));
    if (n > 0) return true;
    if (n == 0 && left(deadline).count() == 0) return false;
    if (n < 0 && errno != EINTR) return transport_failure("poll: " + errno_text(errno));
  }
}

Failure timed_out(const std::string& what) { return transport_failure(what + ": i/o timeout", "timed_out"); }

// A Unix socket connects at once or waits in connect() for room in the listener's queue: hence a limit on the socket.
void limit_connect(int fd, Deadline deadline) {
  const auto limit = std::max(left(deadline), milliseconds(1));
  const timeval value{.tv_sec = limit.count() / 1000, .tv_usec = (limit.count() % 1000) * 1000};
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &value, sizeof(value));
}

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

}  // namespace

Result<ClientSocket> finish_connect(UniqueFd fd, int connect_result, const std::string& what, Deadline deadline) {
  int error = connect_result == 0 ? 0 : errno;
  if (error == EINPROGRESS) {
    Result<bool> ready = wait_for(fd.get(), POLLOUT, deadline);
    if (!ready) return fail(std::move(ready.error()));
    if (!*ready) return timed_out(what);
    socklen_t size = sizeof(error);
    if (::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  }
  if (error == EAGAIN) return timed_out(what);
  if (error != 0) return dial_failure(what, error);
  if (::fcntl(fd.get(), F_SETFL, O_NONBLOCK) != 0) return dial_failure(what, errno);
  return ClientSocket(std::move(fd));
}

Result<ClientSocket> ClientSocket::dial_unix(const std::string& path, Deadline deadline) {
  const std::string what = "dial unix " + path;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return dial_failure(what, EINVAL);
  std::memcpy(address.sun_path, path.data(), path.size());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return dial_failure(what, errno);
  limit_connect(fd.get(), deadline);
  const int n = ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  return finish_connect(std::move(fd), n, what, deadline);
}

Result<ClientSocket> ClientSocket::dial_tcp(const std::string& host, const std::string& port, Deadline deadline) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string what = "dial tcp " + host + ":" + port;
  const int error = ::getaddrinfo(host.empty() ? nullptr : host.c_str(), port.c_str(), &hints, &found);
  if (error != 0) return transport_failure(what + ": lookup: " + ::gai_strerror(error), "invalid_address");
  const std::unique_ptr<addrinfo, FreeAddresses> list(found);
  Result<ClientSocket> result = dial_failure(what, EADDRNOTAVAIL);
  for (const addrinfo* a = list.get(); a != nullptr && !result; a = a->ai_next) {
    UniqueFd fd(::socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) continue;
    const int n = ::connect(fd.get(), a->ai_addr, a->ai_addrlen);
    result = finish_connect(std::move(fd), n, what, deadline);
  }
  return result;
}

Result<void> ClientSocket::start_tls(const std::string& host, const ClientOptions& options, Deadline deadline) {
  Result<ClientTls> tls = ClientTls::make(host, options);
  if (!tls) return fail(std::move(tls.error()));
  for (;;) {
    const Result<bool> complete = tls->handshake();
    const Result<void> sent = send_plain(tls->take_output(), deadline);  // also the alert that says why not
    if (!complete) return fail(complete.error());
    if (!sent) return sent;
    if (*complete) break;
    const Result<std::string> records = receive_plain(deadline);
    if (!records) return fail(records.error());
    if (records->empty()) return transport_failure("tls: the server closed the connection", "tls_failed");
    tls->feed(*records);
  }
  tls_ = std::move(*tls);
  return {};
}

Result<void> ClientSocket::send(std::string_view bytes, Deadline deadline) {
  if (!tls_) return send_plain(bytes, deadline);
  if (Result<void> written = tls_->write(bytes); !written) return written;
  return send_plain(tls_->take_output(), deadline);
}

Result<std::string> ClientSocket::receive(Deadline deadline) {
  if (!tls_) return receive_plain(deadline);
  for (;;) {
    bool ended = false;
    Result<std::string> bytes = tls_->read(ended);
    if (!bytes || ended || !bytes->empty()) return bytes;
    const Result<std::string> records = receive_plain(deadline);
    if (!records || records->empty()) return records;
    tls_->feed(*records);
  }
}

Result<void> ClientSocket::send_plain(std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return transport_failure("send request: " + errno_text(errno));
    Result<bool> ready = wait_for(fd_.get(), POLLOUT, deadline);
    if (!ready) return fail(std::move(ready.error()));
    if (!*ready) return timed_out("send request");
  }
  return {};
}

Result<std::string> ClientSocket::receive_plain(Deadline deadline) {
  std::array<char, 1 << 16> chunk;
  for (;;) {
    const ssize_t n = ::recv(fd_.get(), chunk.data(), chunk.size(), 0);
    if (n >= 0) return std::string(chunk.data(), static_cast<std::size_t>(n));
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return transport_failure("receive reply: " + errno_text(errno));
    Result<bool> ready = wait_for(fd_.get(), POLLIN, deadline);
    if (!ready) return fail(std::move(ready.error()));
    if (!*ready) return timed_out("receive reply");
  }
}

}  // namespace control

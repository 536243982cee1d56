#include "server/listener.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>

#include "net/address.hpp"

namespace control {
namespace {

Failure listen_failure(const std::string& where, std::string why, std::string reason, std::string hint = {}) {
  return fail({.message = "failed to listen on " + where + ": " + std::move(why),
               .reason = std::move(reason),
               .hint = std::move(hint)});
}

Failure listen_failure(const std::string& where, int error) {
  return listen_failure(where, errno_text(error), error == EADDRINUSE ? "address_in_use" : "listen_failed");
}

Failure in_use(const std::string& path) {
  return fail({.message = "another daemon listens on " + path,
               .reason = "address_in_use",
               .hint = "stop it or configure another socket path"});
}

std::optional<sockaddr_un> unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) return std::nullopt;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

template <class Id>
constexpr Id kUnchanged = static_cast<Id>(-1);  // chown(2)

const sockaddr* generic(const sockaddr_un& address) { return reinterpret_cast<const sockaddr*>(&address); }

bool same_file(const struct stat& a, const struct stat& b) { return a.st_dev == b.st_dev && a.st_ino == b.st_ino; }

// The file is moved away before it is removed, so that a socket which another daemon made since we looked is noticed.
Result<void> remove_stale(const std::string& path, const struct stat& seen) {
  const std::string aside = path + ".stale." + std::to_string(::getpid());
  if (::rename(path.c_str(), aside.c_str()) != 0) return listen_failure("unix " + path, errno);
  struct stat moved{};
  if (::lstat(aside.c_str(), &moved) == 0 && !same_file(moved, seen)) {
    if (::renameat2(AT_FDCWD, aside.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) != 0) ::unlink(aside.c_str());
    return in_use(path);
  }
  if (::unlink(aside.c_str()) != 0) return listen_failure("unix " + path, errno);
  return {};
}

// Makes room for a socket at `path`.
Result<void> clear_path(const std::string& path, const sockaddr_un& address) {
  struct stat seen{};
  if (::lstat(path.c_str(), &seen) != 0) {
    if (errno == ENOENT) return {};
    return listen_failure("unix " + path, errno);
  }
  if (!S_ISSOCK(seen.st_mode)) {
    return listen_failure("unix " + path, "file exists and is no socket", "invalid_address",
                          "remove it or configure another socket path");
  }
  UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe) return listen_failure("unix " + path, errno);
  if (::connect(probe.get(), generic(address), sizeof(address)) == 0 || errno == EAGAIN) return in_use(path);
  if (errno != ECONNREFUSED) return listen_failure("unix " + path, errno);
  return remove_stale(path, seen);
}

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

Result<Addresses> resolve(const std::string& host, const std::string& port, const std::string& where) {
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int error = ::getaddrinfo(host.empty() ? nullptr : host.c_str(), port.c_str(), &hints, &list);
  if (error != 0) return listen_failure("tcp " + where, ::gai_strerror(error), "invalid_address");
  return Addresses(list);
}

// All addresses: IPv6, which takes IPv4 too. A name: IPv4 when it has one, as "localhost" is mostly dialled.
const addrinfo* choose(const addrinfo* list, bool all_addresses) {
  const int wanted = all_addresses ? AF_INET6 : AF_INET;
  for (const addrinfo* a = list; a != nullptr; a = a->ai_next) {
    if (a->ai_family == wanted) return a;
  }
  return list;
}

Result<UniqueFd> bind_tcp(const addrinfo& to, bool all_addresses, const std::string& where) {
  UniqueFd fd(::socket(to.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return listen_failure("tcp " + where, errno);
  const int on = 1;
  const int off = 0;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (to.ai_family == AF_INET6 && all_addresses) {
    ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
  }
  if (::bind(fd.get(), to.ai_addr, to.ai_addrlen) != 0 || ::listen(fd.get(), SOMAXCONN) != 0) {
    return listen_failure("tcp " + where, errno);
  }
  return fd;
}

struct Bound {
  int port = 0;
  bool loopback = false;
};

Bound bound_to(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size);
  if (storage.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
    return {ntohs(v6.sin6_port), IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) != 0};
  }
  const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
  return {ntohs(v4.sin_port), (ntohl(v4.sin_addr.s_addr) >> 24) == 127};
}

}  // namespace

Result<UnixListener> listen_unix(const std::string& path, unsigned permissions, const SocketOwner& owner) {
  const std::optional<sockaddr_un> address = unix_address(path);
  if (!address) {
    return listen_failure("unix " + path, "path is too long", "invalid_address", "use a path of at most 107 bytes");
  }
  if (Result<void> cleared = clear_path(path, *address); !cleared) return fail(std::move(cleared.error()));
  UnixListener listener{.fd = UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)), .path = path};
  const int fd = listener.fd.get();
  // Linux makes the file with the mode of the socket itself (less the umask, which chmod then puts right).
  if (fd < 0 || ::fchmod(fd, permissions) != 0 || ::bind(fd, generic(*address), sizeof(*address)) != 0) {
    return listen_failure("unix " + path, errno);
  }
  struct stat made{};
  const bool has_owner = owner.uid || owner.gid;
  if (has_owner &&
      ::chown(path.c_str(), owner.uid.value_or(kUnchanged<uid_t>), owner.gid.value_or(kUnchanged<gid_t>))) {
    const int error = errno;
    ::unlink(path.c_str());
    return listen_failure("unix " + path, "cannot set its owner: " + errno_text(error), "listen_failed",
                          "only root may give it to another user or to a group of which it is no member");
  }
  if (::chmod(path.c_str(), permissions) != 0 || ::lstat(path.c_str(), &made) != 0 || ::listen(fd, SOMAXCONN) != 0) {
    const int error = errno;
    ::unlink(path.c_str());
    return listen_failure("unix " + path, error);
  }
  listener.device = made.st_dev;
  listener.inode = made.st_ino;
  return listener;
}

void remove_socket_file(const UnixListener& listener) {
  struct stat now{};
  if (::lstat(listener.path.c_str(), &now) != 0) return;
  if (now.st_dev == listener.device && now.st_ino == listener.inode) ::unlink(listener.path.c_str());
}

Result<TcpListener> listen_tcp(const std::string& address) {
  Result<std::pair<std::string, std::string>> parts = split_address(address);
  if (!parts) return fail(std::move(parts.error()));
  const auto& [host, port] = *parts;
  Result<Addresses> addresses = resolve(host, port, address);
  if (!addresses) return fail(std::move(addresses.error()));
  const addrinfo* to = choose(addresses->get(), host.empty());
  Result<UniqueFd> fd = bind_tcp(*to, host.empty(), address);
  if (!fd) return fail(std::move(fd.error()));
  const Bound bound = bound_to(fd->get());
  return TcpListener{.fd = std::move(*fd),
                     .family = to->ai_family,
                     .bind_host = host,
                     .address = address.substr(0, address.rfind(':') + 1) + std::to_string(bound.port),
                     .loopback = bound.loopback};
}

}  // namespace control

// Opens listening sockets; knows nothing of who accepts on them.
#pragma once

#include <sys/types.h>

#include <string>

#include "control/error.hpp"
#include "control/server.hpp"
#include "net/unique_fd.hpp"

namespace control {

struct UnixListener {
  UniqueFd fd;
  std::string path;
  dev_t device{};
  ino_t inode{};
};

// The file has `permissions` and `owner` before anybody can connect. A socket file that nobody listens on is replaced;
// a live one is refused ("another daemon listens on …", reason "address_in_use"), anything but a socket too.
Result<UnixListener> listen_unix(const std::string& path, unsigned permissions, const SocketOwner& owner = {});

// Removes the socket file, unless somebody has put another in its place.
void remove_socket_file(const UnixListener& listener);

struct TcpListener {
  UniqueFd fd;
  int family = 0;
  std::string bind_host;  // as configured: "localhost", ""
  std::string address;    // the same with the real port: "localhost:9090"
  bool loopback = false;
};

// "host:port"; an empty host means all addresses.
Result<TcpListener> listen_tcp(const std::string& address);

}  // namespace control

#include "net/origin.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "net/peer_process.hpp"

namespace control {

std::string origin_of(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  if (::getpeername(fd, address, &size) != 0) return {};
  char text[INET6_ADDRSTRLEN] = "";
  if (address->sa_family == AF_INET) {
    const auto* ip = reinterpret_cast<const sockaddr_in*>(&storage);
    return ::inet_ntop(AF_INET, &ip->sin_addr, text, sizeof(text)) != nullptr ? text : "";
  }
  if (address->sa_family == AF_INET6) {
    const auto* ip = reinterpret_cast<const sockaddr_in6*>(&storage);
    return ::inet_ntop(AF_INET6, &ip->sin6_addr, text, sizeof(text)) != nullptr ? text : "";
  }
  const std::optional<PeerProcess> process = peer_process(fd);
  return process ? "pid " + std::to_string(process->pid) : std::string();
}

}  // namespace control

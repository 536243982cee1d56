#include "net/peer_process.hpp"

#include <sys/socket.h>

namespace control {

std::optional<PeerProcess> peer_process(int fd) {
  ucred credentials{};
  socklen_t size = sizeof(credentials);
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return std::nullopt;
  PeerProcess process{.uid = credentials.uid, .gids = {credentials.gid}, .pid = credentials.pid};
  std::vector<gid_t> groups(64);
  for (int attempt = 0; attempt < 2; ++attempt) {  // the kernel says how many there are when there is no room for them
    size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    const int failed = ::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size);
    const std::size_t count = size / sizeof(gid_t);
    if (failed == 0) {
      process.gids.insert(process.gids.end(), groups.begin(), groups.begin() + static_cast<std::ptrdiff_t>(count));
      break;
    }
    groups.resize(count);
  }
  return process;
}

}  // namespace control

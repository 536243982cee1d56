// A blocking connection with deadlines, for the client.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "client/client_tls.hpp"
#include "control/error.hpp"
#include "net/unique_fd.hpp"

namespace control {

using Deadline = std::chrono::steady_clock::time_point;

class ClientSocket {
 public:
  // Errors as people know them: "dial unix PATH: connect: no such file or directory".
  static Result<ClientSocket> dial_unix(const std::string& path, Deadline deadline);
  static Result<ClientSocket> dial_tcp(const std::string& host, const std::string& port, Deadline deadline);

  // From now on everything is encrypted.
  Result<void> start_tls(const std::string& host, const ClientOptions& options, Deadline deadline);

  Result<void> send(std::string_view bytes, Deadline deadline);
  // What has come, at least one byte; empty when the other side hung up.
  Result<std::string> receive(Deadline deadline);

 private:
  explicit ClientSocket(UniqueFd fd) : fd_(std::move(fd)) {}
  friend Result<ClientSocket> finish_connect(UniqueFd fd, int connect_result, const std::string& what,
                                             Deadline deadline);

  Result<void> send_plain(std::string_view bytes, Deadline deadline);
  Result<std::string> receive_plain(Deadline deadline);

  UniqueFd fd_;
  std::optional<ClientTls> tls_;
};

}  // namespace control

// The client's side of TLS without a socket: records in, records out. OpenSSL is known here only.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "control/client.hpp"

namespace control {

class ClientTls {
 public:
  // Verifies the server by the CA file, else by the system's, and by `host`. code::kTransport for files that can not be
  // used.
  static Result<ClientTls> make(const std::string& host, const ClientOptions& options);
  ClientTls(ClientTls&&) noexcept;
  ClientTls& operator=(ClientTls&&) noexcept;
  ~ClientTls();

  // True when it is complete; false = more must be fed. take_output() has something to send either way.
  Result<bool> handshake();
  Result<void> write(std::string_view bytes);
  // What can be read of what was fed; empty = more must be fed. `ended` when the server said that it sends no more.
  Result<std::string> read(bool& ended);

  void feed(std::string_view records);
  std::string take_output();

 private:
  struct Impl;
  explicit ClientTls(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace control

// A directory on an SFTP server as a store. What is particular about it: docs/backends.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "replica/backend.hpp"

namespace replica {

struct SftpBackendOptions {
  std::string host;
  std::uint16_t port = 22;
  std::string user;
  std::string password{};        // for the methods password and keyboard-interactive
  std::string key_path{};        // private key file; empty = no key
  std::string key_passphrase{};  // of an encrypted key file
  // Whoever is at `agent` may sign when neither key nor password is given. Empty = SSH_AUTH_SOCK of the environment.
  std::string agent{};

  // The one key the server may show: as in authorized_keys ("ssh-ed25519 AAAA…", a comment may follow) or a
  // fingerprint ("SHA256:…"). Empty = the server must be in known_hosts.
  std::string host_key{};
  std::string known_hosts{};         // file; empty = the user's and the system's
  bool accept_any_host_key = false;  // no check at all: whoever answers gets the data

  std::string root{};  // directory, made by the first put; not beginning with '/' = below the login directory
  bool concurrent_writes = true;  // false = wait for each block's answer before the next, for servers that need it
  int connections = 8;            // at most that many at once, at least 1; calls beyond it wait
  std::chrono::milliseconds silence{15'000};  // a server that says nothing for that long while we wait is given up
};

// No connection is made before the first call.
std::unique_ptr<Backend> make_sftp_backend(SftpBackendOptions options);

}  // namespace replica

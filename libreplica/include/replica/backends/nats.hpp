// An object store bucket of NATS JetStream as a store. What is particular about it: docs/backends.md.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "replica/backend.hpp"

namespace replica {

struct NatsBackendOptions {
  std::string url;  // nats://host:4222, tls://…; several of one cluster separated by commas
  std::string bucket;
  bool create_bucket = false;  // make it when it is missing; else that is an error

  // The first that is given counts: jwt with seed, credentials file, nkey with seed, user with password, token.
  std::string jwt{}, seed{};
  std::string credentials_path{};
  std::string nkey{};  // public; `seed` signs for it
  std::string user{}, password{};
  std::string token{};

  bool tls = false;
  std::vector<std::string> root_cas{};        // files; empty = the system's
  std::string client_cert{}, client_key{};    // files, both or none
  std::chrono::milliseconds timeout{10'000};  // for connecting, and for a server that says nothing while we wait
  // After an attempt to connect that failed, calls fail at once for `reconnect_wait`; after
  // `max_reconnects` more in a row (negative = without bound) for a minute.
  int max_reconnects = -1;
  std::chrono::milliseconds reconnect_wait{2'000};
  const Clock* clock = nullptr;  // nullptr = the system's
};

// No connection is made before the first call; one is shared by all.
std::unique_ptr<Backend> make_nats_backend(NatsBackendOptions options);

}  // namespace replica

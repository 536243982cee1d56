// What a client of the server may ask for at most. One place for all of them.
#pragma once

#include <chrono>
#include <cstddef>

namespace control {

struct Limits {
  std::size_t max_connections = 256;    // for each listener; beyond it one is closed of the process (Unix socket) or
                                        // address (TCP) that holds most: the one idle, else arriving, for longest
  std::size_t max_body = 1 << 20;       // bytes of a request or batch
  std::size_t max_depth = 32;           // of nested JSON
  std::size_t max_values = 1 << 16;     // of JSON in a request or batch
  std::size_t max_batch = 100;          // calls
  std::size_t max_arriving = 16 << 20;  // bytes of the requests of all connections; beyond it the largest that is
                                        // still arriving is dropped with its connection
  std::chrono::milliseconds request_timeout{10'000};  // from the first byte of a request, or of TLS, to the last
};

}  // namespace control

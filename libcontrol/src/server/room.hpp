// Which connection goes when a listener has as many as it may.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace control {

// One connection, as the choice sees it.
struct Guest {
  std::string_view origin;  // who holds it: a process behind the Unix socket, an address on TCP
  bool working = false;
  bool arriving = false;                          // part of a request is there
  std::chrono::steady_clock::time_point since{};  // when the silence, or the request that is arriving, began
};

// The index of the one to close; no value when all are at work. Of the origin that holds the most, so that one client
// cannot push out the others however fast it comes back; among those the one silent for longest, else the one whose
// request has been arriving for longest. One that has just connected counts as arriving: it is about to send.
std::optional<std::size_t> least_entitled(std::span<const Guest> guests, std::chrono::steady_clock::time_point now);

}  // namespace control

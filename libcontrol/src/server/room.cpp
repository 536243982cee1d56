#include "server/room.hpp"

#include <tuple>
#include <unordered_map>

namespace control {
namespace {

// Requests arrive whole when nothing is wrong: one begins within that of its connection, or of the last reply.
constexpr std::chrono::milliseconds kFreshTime{1'000};

}  // namespace

std::optional<std::size_t> least_entitled(std::span<const Guest> guests, std::chrono::steady_clock::time_point now) {
  std::unordered_map<std::string_view, std::ptrdiff_t> held;
  for (const Guest& guest : guests) ++held[guest.origin];
  const auto rank = [&](const Guest& guest) {
    return std::tuple(-held[guest.origin], guest.arriving || guest.since > now - kFreshTime, guest.since);
  };
  std::optional<std::size_t> least;
  for (std::size_t i = 0; i < guests.size(); ++i) {
    if (guests[i].working) continue;
    if (!least || rank(guests[i]) < rank(guests[*least])) least = i;
  }
  return least;
}

}  // namespace control

#include "server/room.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <vector>

#include "net/origin.hpp"

using control::Guest;
using control::least_entitled;
using namespace std::chrono_literals;

namespace {

constexpr std::chrono::steady_clock::time_point kNow{1h};

Guest idle(const char* origin, std::chrono::milliseconds ago) { return {.origin = origin, .since = kNow - ago}; }
Guest arriving(const char* origin, std::chrono::milliseconds ago) {
  return {.origin = origin, .arriving = true, .since = kNow - ago};
}
Guest working(const char* origin) { return {.origin = origin, .working = true}; }

std::optional<std::size_t> least(const std::vector<Guest>& guests) { return least_entitled(guests, kNow); }

}  // namespace

TEST_CASE("the connection to close: the one silent for longest, then the slowest request, never one at work") {
  CHECK(least({}) == std::nullopt);
  CHECK(least({working("a"), working("b")}) == std::nullopt);
  CHECK(least({working("a"), idle("a", 2s), idle("a", 3s), arriving("a", 9s)}) == 2);
  CHECK(least({working("a"), arriving("a", 5ms), arriving("a", 9s)}) == 2);
  // Who has just connected is about to send: like a request that has just begun.
  CHECK(least({idle("a", 10ms), arriving("a", 20ms)}) == 1);
  CHECK(least({idle("a", 2s), arriving("a", 20ms)}) == 0);
}

TEST_CASE("the connection to close is of who holds the most") {
  // However long another has been silent, and however fast they come back.
  CHECK(least({idle("quiet", 250s), arriving("many", 2ms), idle("many", 1ms)}) == 1);
  CHECK(least({arriving("slow", 9s), idle("many", 1ms), idle("many", 0ms)}) == 1);
  // What is at work is held, too; when nothing else is, the next one's goes.
  CHECK(least({working("many"), working("many"), idle("few", 5ms)}) == 2);
  CHECK(least({working("many"), idle("few", 5s), idle("many", 5ms)}) == 2);
}

TEST_CASE("the origin of a connection: the process on a Unix socket") {
  std::array<int, 2> pair{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()) == 0);
  CHECK(control::origin_of(pair[0]) == "pid " + std::to_string(::getpid()));
  for (const int fd : pair) ::close(fd);
  CHECK(control::origin_of(pair[0]).empty());
}

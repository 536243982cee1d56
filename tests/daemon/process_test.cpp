#include "process.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "support/catch.hpp"

using litestreamd::Child;
using litestreamd::Event;
using litestreamd::Events;
using litestreamd::Fd;

namespace {

// Waits for the signals that the child's end brings.
int status_of(Events& events, Child& child) {
  for (;;) {
    if (const auto status = child.try_wait()) return *status;
    const auto event = events.next();
    REQUIRE(event);
  }
}

// The next event that is not left over from a child of an earlier test.
Event next_but_child(Events& events) {
  for (;;) {
    const auto event = events.next();
    REQUIRE(event);
    if (event->kind != Event::Kind::signal || event->signal != SIGCHLD) return *event;
  }
}

}  // namespace

TEST_CASE("a child's exit status is that of a shell") {
  auto events = Events::open();
  REQUIRE(events);
  struct Row {
    const char* command;
    int status;
  };
  for (const Row& row : {Row{"true", 0}, Row{"sh -c 'exit 3'", 3}, Row{"sh -c 'kill -TERM $$'", 128 + SIGTERM}}) {
    INFO(row.command);
    auto child = Child::spawn(row.command);
    REQUIRE(child);
    CHECK(status_of(*events, *child) == row.status);
  }
}

TEST_CASE("a child hears signals that its parent has blocked") {
  auto events = Events::open();
  REQUIRE(events);
  auto child = Child::spawn("sleep 1000");
  REQUIRE(child);
  child->signal(SIGTERM);
  CHECK(status_of(*events, *child) == 128 + SIGTERM);
}

TEST_CASE("a command that cannot be run says why") {
  CHECK(Child::spawn("/nonexist -x").error().message ==
        "cannot start exec command: /nonexist: no such file or directory");
  CHECK(Child::spawn("sh 'x").error().message == "cannot parse exec command: no closing '");
  CHECK(Child::spawn("  ").error().message == "cannot parse exec command: it is empty");
}

TEST_CASE("signals come as events, in order with wake-ups from other threads") {
  auto events = Events::open();
  REQUIRE(events);
  REQUIRE(::kill(::getpid(), SIGHUP) == 0);
  const Event first = next_but_child(*events);
  CHECK(first.kind == Event::Kind::signal);
  CHECK(first.signal == SIGHUP);
  std::jthread waker([&] { events->wake(); });
  CHECK(next_but_child(*events).kind == Event::Kind::woken);
}

TEST_CASE("the supervisor is told on its socket") {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("litestream-notify-" + std::to_string(::getpid()))).string();
  const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  REQUIRE(socket.get() >= 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::setenv("NOTIFY_SOCKET", path.c_str(), 1) == 0);
  CHECK(litestreamd::notify_supervisor("READY=1"));
  std::array<char, 64> text{};
  const ssize_t n = ::recv(socket.get(), text.data(), text.size(), MSG_DONTWAIT);
  REQUIRE(n > 0);
  CHECK(std::string(text.data(), static_cast<std::size_t>(n)) == "READY=1");
  std::filesystem::remove(path);
  CHECK_FALSE(litestreamd::notify_supervisor("READY=1"));
  REQUIRE(::unsetenv("NOTIFY_SOCKET") == 0);
  CHECK(litestreamd::notify_supervisor("READY=1"));
}

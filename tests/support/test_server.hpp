// A server program on a port of loopback that is free, ended with the object. Programs are those that
// scripts/test-servers has installed; a test whose program is missing says so and ends, or fails where
// LITESTREAM_REQUIRE_SERVERS is 1.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.hpp"

namespace support {

// Empty when it is not installed.
inline std::string server_program(const std::string& name) {
  const char* folder = std::getenv("LITESTREAM_SERVERS");
  std::string path = std::string(folder == nullptr ? SERVERS_DIR : folder) + "/" + name;
  return ::access(path.c_str(), X_OK) == 0 ? path : std::string();
}

// False, said aloud, when the test cannot run.
inline bool have_server(const std::string& name) {
  if (!server_program(name).empty()) return true;
  const char* required = std::getenv("LITESTREAM_REQUIRE_SERVERS");
  if (required != nullptr && std::string(required) == "1") FAIL(name << " is not installed; run scripts/test-servers");
  WARN("skipped: " << name << " is not installed; run scripts/test-servers");
  return false;
}

// A descriptor that closes itself.
class Socket {
 public:
  Socket() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  explicit Socket(int fd) : fd_(fd) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() { ::close(fd_); }
  int fd() const noexcept { return fd_; }

 private:
  int fd_;
};

inline sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

inline bool bind_to(const Socket& socket, int port) {
  const sockaddr_in address = loopback(port);
  return ::bind(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

inline int port_of(const Socket& socket) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(socket.fd(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

// Free a moment ago.
inline int free_port() {
  const Socket socket;
  REQUIRE(bind_to(socket, 0));
  return port_of(socket);
}

inline bool answers(int port) {
  const Socket socket;
  const sockaddr_in address = loopback(port);
  return ::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

class TestServer {
 public:
  // `arguments` begin with the program; `environment` holds NAME=VALUE, besides which it has only PATH.
  TestServer(std::vector<std::string> arguments, std::vector<std::string> environment, int port)
      : arguments_(std::move(arguments)), environment_(std::move(environment)), port_(port) {
    environment_.emplace_back("PATH=/usr/bin:/bin");
    start();
  }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;
  ~TestServer() { stop(); }

  int port() const noexcept { return port_; }

  void start() {
    const auto pointers = [](std::vector<std::string>& texts) {
      std::vector<char*> out;
      out.reserve(texts.size() + 1);
      for (std::string& text : texts) out.push_back(text.data());
      out.push_back(nullptr);
      return out;
    };
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    for (const int fd : {1, 2}) posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_WRONLY, 0);
    REQUIRE(::posix_spawn(&pid_, arguments_.front().c_str(), &actions, nullptr, pointers(arguments_).data(),
                          pointers(environment_).data()) == 0);
    posix_spawn_file_actions_destroy(&actions);
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!answers(port_)) {
      REQUIRE(std::chrono::steady_clock::now() < limit);
      std::this_thread::yield();
    }
  }
  void stop() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

 private:
  std::vector<std::string> arguments_, environment_;
  int port_;
  pid_t pid_ = 0;
};

}  // namespace support

// An HTTP server on loopback that answers as a test says, and notes what it was sent.
#pragma once

#include <poll.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>

#include "support/test_server.hpp"

namespace support {

class ScriptedServer {
 public:
  static constexpr const char* kSilence = "";              // the connection stays open and nothing comes
  static constexpr std::chrono::milliseconds kBrief{200};  // the patience of clients that are to give that up

  // Given the whole request, the bytes to send. The connection is then kept, or closed when the answer says so.
  using Script = std::function<std::string(const std::string& request)>;

  explicit ScriptedServer(Script script) : script_(std::move(script)) {
    const int on = 1;
    ::setsockopt(listener_.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    REQUIRE(bind_to(listener_, 0));
    REQUIRE(::listen(listener_.fd(), 64) == 0);
    thread_ = std::jthread([this](const std::stop_token& stop) { accept_all(stop); });
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_of(listener_)); }
  int connections() const noexcept { return connections_; }
  std::vector<std::string> requests() {
    const std::scoped_lock lock(mutex_);
    return requests_;
  }

 private:
  static bool readable(int fd, const std::stop_token& stop) {
    pollfd one{.fd = fd, .events = POLLIN, .revents = 0};
    while (!stop.stop_requested()) {
      if (::poll(&one, 1, 20) > 0) return true;
    }
    return false;
  }

  static std::size_t length_of(const std::string& head) {
    const std::size_t at = head.find("\r\nContent-Length: ");
    return at == std::string::npos ? 0 : std::stoul(head.substr(at + 18));
  }

  // Empty at the end of the connection.
  static std::string read_request(int fd, const std::stop_token& stop) {
    std::string text;
    char chunk[65536];
    for (;;) {
      const std::size_t head = text.find("\r\n\r\n");
      if (head != std::string::npos && text.size() >= head + 4 + length_of(text.substr(0, head))) return text;
      if (!readable(fd, stop)) return {};
      const ssize_t got = ::recv(fd, chunk, sizeof chunk, 0);
      if (got <= 0) return {};
      text.append(chunk, static_cast<std::size_t>(got));
    }
  }

  void serve(const Socket& socket, const std::stop_token& stop) {
    for (;;) {
      const std::string request = read_request(socket.fd(), stop);
      if (request.empty()) return;
      std::string answer;
      {
        const std::scoped_lock lock(mutex_);
        requests_.push_back(request);
        answer = script_(request);
      }
      ::send(socket.fd(), answer.data(), answer.size(), MSG_NOSIGNAL);
      if (answer.find("Connection: close") != std::string::npos) return;
    }
  }

  void accept_all(const std::stop_token& stop) {
    std::vector<std::jthread> served;
    while (readable(listener_.fd(), stop)) {
      const int fd = ::accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      ++connections_;
      served.emplace_back([this, fd](const std::stop_token& own) { serve(Socket(fd), own); });
    }
  }

  Script script_;
  Socket listener_;
  std::mutex mutex_;
  std::vector<std::string> requests_;  // guarded by mutex_
  std::atomic<int> connections_ = 0;
  std::jthread thread_;
};

inline std::string http_answer(const std::string& status, const std::string& body = {}, const std::string& more = {}) {
  return "HTTP/1.1 " + status + "\r\n" + more + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace support

// Real servers as children of a test: started on a free port of the loopback, waited for, ended by their own pid.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "process.hpp"
#include "support/catch.hpp"

namespace servers {

inline sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

inline int free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  ::close(fd);
  return ntohs(address.sin_port);
}

inline bool answers(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  const bool connected = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return connected;
}

// Waits for a condition; false after half a minute.
inline bool until(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

// Everything below a process, its grandchildren too.
inline std::vector<pid_t> descendants(pid_t of) {
  std::vector<pid_t> found;
  std::ifstream children("/proc/" + std::to_string(of) + "/task/" + std::to_string(of) + "/children");
  for (pid_t child = 0; children >> child;) {
    found.push_back(child);
    for (const pid_t further : descendants(child)) found.push_back(further);
  }
  return found;
}

// The letter that proc(5) has for it; 'X' when there is none such.
inline char state_of(const std::string& process) {
  std::ifstream stat(process + "/stat");
  std::string text;
  std::getline(stat, text);
  const auto name_end = text.rfind(") ");
  return name_end == std::string::npos ? 'X' : text[name_end + 2];
}

// Ended, whether or not somebody has asked how.
inline bool is_gone(pid_t pid) {
  const char state = state_of("/proc/" + std::to_string(pid));
  return state == 'X' || state == 'Z';
}

// A thread that runs on another processor stops a moment after the signal.
inline bool is_stopped(pid_t pid) {
  std::error_code gone;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task", gone))
    if (std::string("TXZ").find(state_of(thread.path())) == std::string::npos) return false;
  return true;
}

// True when `program` is missing, which is told (ctest: "Skipped"); a failure where servers are required.
inline bool skipped_without(const std::string& program) {
  if (std::filesystem::exists(program)) return false;
  if (std::getenv("LITESTREAM_REQUIRE_SERVERS") != nullptr) FAIL(program << " is missing: scripts/test-servers");
  std::cout << "skipped: " << program << " is missing; scripts/test-servers installs it\n";
  return true;
}

inline void run(const std::vector<std::string>& command) {
  INFO(command.front());
  REQUIRE(tools::run_process(command, {.output = "/dev/null", .unset = {}}, std::chrono::seconds(60)) == 0);
}

// A command that listens on `port`, and all that it starts.
class Server {
 public:
  Server(std::vector<std::string> command, int port, std::string log)
      : command_(std::move(command)), port_(port), log_(std::move(log)) {
    start();
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() { kill(); }

  int port() const { return port_; }
  std::string log() const { return tools::read_file(log_); }
  void start() {
    process_ = tools::Process::start(command_, {.output = log_, .unset = {}});
    const bool up = until([this] { return !process_.running() || answers(port_); });
    INFO(log());
    REQUIRE((up && process_.running()));
  }
  // With its connections.
  void kill() {
    const auto connections = process_.pid() > 0 ? descendants(process_.pid()) : std::vector<pid_t>();
    signal_all(SIGKILL);
    static_cast<void>(process_.wait(std::chrono::seconds(10)));
    for (const pid_t one : connections) CHECK(until([one] { return is_gone(one); }));
  }
  // Only its connections: what they served ends.
  void cut() const {
    const auto connections = descendants(process_.pid());
    for (const pid_t one : connections) ::kill(one, SIGKILL);
    for (const pid_t one : connections) CHECK(until([one] { return is_gone(one); }));
  }
  // Nothing moves, nothing is closed.
  void silence() const {
    signal_all(SIGSTOP);
    auto all = descendants(process_.pid());
    all.push_back(process_.pid());
    for (const pid_t one : all) CHECK(until([one] { return is_stopped(one); }));
  }
  void go_on() const { signal_all(SIGCONT); }

 private:
  void signal_all(int number) const {
    if (process_.pid() <= 0) return;
    const auto all = descendants(process_.pid());
    process_.signal(number);
    for (const pid_t one : all) ::kill(one, number);
  }
  std::vector<std::string> command_;
  int port_;
  std::string log_;
  tools::Process process_;
};

}  // namespace servers

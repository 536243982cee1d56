#include "io/run_command.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include <array>
#include <cstring>

#include "io/system.hpp"

namespace replica::io {
namespace {

constexpr int kPollMilliseconds = 100;  // until the Call is asked again

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { ::close(fd_); }
  int get() const noexcept { return fd_; }

 private:
  int fd_;
};

Result<pid_t> spawn(const std::string& command, int output) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  // Signals that are blocked here, by whoever embeds us, are not to be blocked there; a group of its own can be killed.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  std::string shell = "sh", option = "-c", text = command;
  const std::array<char*, 4> arguments{shell.data(), option.data(), text.data(), nullptr};
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, "/bin/sh", &actions, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return fail(Errc::io, std::string("run a command: ") + std::strerror(error));
  return pid;
}

// To its end, which the writer's closing makes.
Result<std::string> read_all(int fd, std::size_t limit, const Call& call) {
  std::string text;
  std::array<char, 4096> chunk{};
  for (;;) {
    if (auto going = call.check("a command"); !going) return pass(going);
    pollfd one{.fd = fd, .events = POLLIN, .revents = 0};
    if (::poll(&one, 1, kPollMilliseconds) <= 0) continue;
    ssize_t got = 0;
    if (again([&] { return static_cast<int>(got = ::read(fd, chunk.data(), chunk.size())); }) != 0)
      return fail(Errc::io, "cannot read from a command");
    if (got == 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(got));
    if (text.size() > limit) return fail(Errc::corrupt, "a command printed more than it should");
  }
}

}  // namespace

Result<std::string> run_command(const std::string& command, std::size_t limit, const Call& call) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(Errc::io, std::string("make a pipe: ") + std::strerror(errno));
  const Descriptor reading(ends[0]);
  Result<pid_t> pid = 0;
  {
    const Descriptor writing(ends[1]);
    pid = spawn(command, writing.get());
  }
  if (!pid) return pass(pid);
  auto text = read_all(reading.get(), limit, call);
  if (!text) ::kill(-*pid, SIGKILL);
  int status = 0;
  again([&] { return ::waitpid(*pid, &status, 0); });
  if (!text) return text;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return fail(Errc::unavailable,
                "the command ended with " + (WIFEXITED(status) ? "status " + std::to_string(WEXITSTATUS(status))
                                                               : "signal " + std::to_string(WTERMSIG(status))));
  return text;
}

}  // namespace replica::io

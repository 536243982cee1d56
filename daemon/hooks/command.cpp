#include "hooks/command.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "descriptors.hpp"
#include "process.hpp"

namespace litestreamd {

using replica::Errc;
using replica::fail;
using replica::Result;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr milliseconds kStopSlice{50};  // how late a stop is noticed

replica::Failure fail_errno(const std::string& what, int number) {
  return fail(number == ENOENT ? Errc::not_found : Errc::io, what + ": " + std::strerror(number));
}

// A process group of its own, ordinary signals; stdin from `input`, stdout to where stderr goes.
class Spawning {
 public:
  explicit Spawning(int input) {
    posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes_, &none);
    sigset_t all;
    sigfillset(&all);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_adddup2(&actions_, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, STDERR_FILENO, STDOUT_FILENO);
  }
  ~Spawning() {
    posix_spawnattr_destroy(&attributes_);
    posix_spawn_file_actions_destroy(&actions_);
  }
  Spawning(const Spawning&) = delete;
  Spawning& operator=(const Spawning&) = delete;
  const posix_spawnattr_t* attributes() const { return &attributes_; }
  const posix_spawn_file_actions_t* actions() const { return &actions_; }

 private:
  posix_spawnattr_t attributes_{};
  posix_spawn_file_actions_t actions_{};
};

std::vector<std::string> environment_of(const Command& command) {
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const bool replaced = std::any_of(command.environment.begin(), command.environment.end(), [&](const auto& pair) {
      return text.starts_with(pair.first) && text.substr(pair.first.size()).starts_with('=');
    });
    if (!replaced) out.emplace_back(text);
  }
  for (const auto& [name, value] : command.environment) out.emplace_back(name).append("=").append(value);
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> out;
  out.reserve(words.size() + 1);
  for (std::string& word : words) out.push_back(word.data());
  out.push_back(nullptr);
  return out;
}

Result<pid_t> spawn(const Command& command, int input) {
  std::vector<std::string> words = command.words;
  std::vector<std::string> environment = environment_of(command);
  const Spawning how(input);
  pid_t pid = 0;
  const int error = ::posix_spawnp(&pid, words.front().c_str(), how.actions(), how.attributes(), pointers(words).data(),
                                   pointers(environment).data());
  if (error != 0) return fail_errno("cannot start " + words.front(), error);
  give_back_descriptor_limit(pid);
  return pid;
}

int reap(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// What must not outlive its time.
Result<int> wait_for(pid_t pid, milliseconds timeout, const std::stop_token& stop) {
  // Not pidfd_open(): the header of glibc 2.36 declares it for C only.
  const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  const auto end = steady_clock::now() + timeout;
  for (;;) {
    pollfd poller{.fd = process.get(), .events = POLLIN, .revents = 0};
    const int ready = ::poll(&poller, 1, static_cast<int>(kStopSlice.count()));
    if (ready > 0) return reap(pid);
    const bool late = steady_clock::now() >= end;
    if (!late && !stop.stop_requested()) continue;
    ::kill(-pid, SIGKILL);
    reap(pid);
    if (late) return fail(Errc::timed_out, "killed after " + std::to_string(timeout.count()) + " ms");
    return fail(Errc::cancelled, "killed at the end of the daemon");
  }
}

}  // namespace

Result<int> run_command(const Command& command, const std::stop_token& stop) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("make a pipe", errno);
  Fd input(ends[0]);
  Fd output(ends[1]);
  // Whoever does not read its input must not hold us up.
  ::fcntl(output.get(), F_SETFL, O_NONBLOCK);
  auto pid = spawn(command, input.get());
  if (!pid) return replica::pass(pid);
  input = Fd();
  // SIGPIPE is ignored by the daemon; one that closed its stdin knows the event from its environment.
  [[maybe_unused]] const ssize_t n = ::write(output.get(), command.input.data(), command.input.size());
  output = Fd();
  return wait_for(*pid, command.timeout, stop);
}

}  // namespace litestreamd

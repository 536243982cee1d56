#include "process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "cli/flags.hpp"
#include "descriptors.hpp"

namespace litestreamd {

using replica::Errc;
using replica::fail;
using replica::Result;

namespace {

constexpr std::array kHandled{SIGTERM, SIGINT, SIGHUP, SIGCHLD};

// As the other messages are written: "no such file or directory".
std::string reason(int number) {
  std::string text = std::strerror(number);
  text.front() = static_cast<char>(std::tolower(static_cast<unsigned char>(text.front())));
  return text;
}

replica::Failure fail_errno(const std::string& what, int number) {
  return fail(Errc::io, what + ": " + reason(number));
}

sigset_t handled_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : kHandled) sigaddset(&set, number);
  return set;
}

// The child must not inherit what we block and ignore.
class SpawnAttributes {
 public:
  SpawnAttributes() {
    posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes_, &none);
    sigset_t standard = handled_signals();
    sigaddset(&standard, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes_, &standard);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnAttributes() { posix_spawnattr_destroy(&attributes_); }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_{};
};

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

Result<Events> Events::open() {
  const sigset_t set = handled_signals();
  if (const int error = pthread_sigmask(SIG_BLOCK, &set, nullptr); error != 0)
    return fail_errno("block signals", error);
  if (::signal(SIGPIPE, SIG_IGN) == SIG_ERR) return fail_errno("ignore SIGPIPE", errno);
  Fd signals(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (signals.get() < 0) return fail_errno("open signal descriptor", errno);
  Fd wakeups(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (wakeups.get() < 0) return fail_errno("open event descriptor", errno);
  return Events(std::move(signals), std::move(wakeups));
}

Result<Event> Events::next() {
  std::array<pollfd, 2> fds{{{signals_.get(), POLLIN, 0}, {wakeups_.get(), POLLIN, 0}}};
  for (;;) {
    signalfd_siginfo info{};
    if (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info))
      return Event{Event::Kind::signal, static_cast<int>(info.ssi_signo)};
    std::uint64_t count = 0;
    if (::read(wakeups_.get(), &count, sizeof count) == static_cast<ssize_t>(sizeof count))
      return Event{Event::Kind::woken};
    if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return fail_errno("wait for signals", errno);
  }
}

void Events::wake() noexcept {
  const std::uint64_t one = 1;
  // Can only fail when a wake-up is pending already.
  [[maybe_unused]] const ssize_t n = ::write(wakeups_.get(), &one, sizeof one);
}

Result<Child> Child::spawn(const std::string& command) {
  auto words = cli::split_words(command);
  if (!words) return replica::pass(words, "cannot parse exec command");
  if (words->empty()) return fail(Errc::invalid_argument, "cannot parse exec command: it is empty");
  std::vector<char*> argv;
  for (std::string& word : *words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const SpawnAttributes attributes;
  pid_t pid = 0;
  if (const int error = ::posix_spawnp(&pid, argv[0], nullptr, attributes.get(), argv.data(), environ); error != 0)
    return fail(error == ENOENT ? Errc::not_found : Errc::io,
                "cannot start exec command: " + words->front() + ": " + reason(error));
  give_back_descriptor_limit(pid);
  return Child(pid);
}

void Child::signal(int number) const noexcept { ::kill(pid_, number); }

std::optional<int> Child::try_wait() {
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Result<void> notify_supervisor(const std::string& state) {
  const char* name = std::getenv("NOTIFY_SOCKET");
  if (name == nullptr || *name == '\0') return {};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::size_t length = std::strlen(name);
  if (length >= sizeof address.sun_path) return fail(Errc::invalid_argument, "NOTIFY_SOCKET is too long");
  std::memcpy(address.sun_path, name, length);
  if (*name == '@') address.sun_path[0] = '\0';  // abstract
  const Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) return fail_errno("notify supervisor", errno);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
  if (::sendto(fd.get(), state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address), size) <
      0)
    return fail_errno("notify supervisor", errno);
  return {};
}

}  // namespace litestreamd

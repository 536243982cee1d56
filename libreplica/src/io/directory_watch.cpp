#include "io/directory_watch.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "io/file.hpp"

namespace replica::io {
namespace {

// A writer pays for waking us with every write to its log. While nobody waits, events of one file become one.
constexpr int kQuietMs = 5;

// False when interrupted.
bool quiet(int wake) {
  pollfd interrupted{wake, POLLIN, 0};
  return ::poll(&interrupted, 1, kQuietMs) <= 0;
}

}  // namespace

Result<std::unique_ptr<DirectoryWatch>> DirectoryWatch::open(std::size_t most) {
  const int inotify = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (inotify < 0) return Failure(errno_error(errno, "watch directories", "inotify"));
  const int wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake < 0) {
    const int code = errno;
    ::close(inotify);
    return Failure(errno_error(code, "watch directories", "eventfd"));
  }
  return std::unique_ptr<DirectoryWatch>(new DirectoryWatch(inotify, wake, most));
}

DirectoryWatch::~DirectoryWatch() {
  ::close(inotify_);
  ::close(wake_);
}

Result<void> DirectoryWatch::add(const std::string& directory) {
  const std::lock_guard guard(lock_);
  if (const auto known = by_directory_.find(directory); known != by_directory_.end()) {
    ++by_descriptor_[known->second].users;
    return {};
  }
  if (most_ != 0 && by_descriptor_.size() >= most_) return fail(Errc::no_space, "watch " + directory + ": too many");
  const int descriptor =
      ::inotify_add_watch(inotify_, directory.c_str(), IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVE | IN_ONLYDIR);
  if (descriptor < 0) return Failure(errno_error(errno, "watch", directory));
  // Two names of one directory share a descriptor; the first name keeps it and the second lives by polling.
  const auto [at, fresh] = by_descriptor_.try_emplace(descriptor, Watched{directory, 0});
  if (!fresh) return fail(Errc::already_exists, directory + " is watched as " + at->second.directory);
  ++at->second.users;
  by_directory_[at->second.directory] = descriptor;
  return {};
}

void DirectoryWatch::remove(const std::string& directory) {
  const std::lock_guard guard(lock_);
  const auto known = by_directory_.find(directory);
  if (known == by_directory_.end() || --by_descriptor_[known->second].users > 0) return;
  const int descriptor = known->second;
  ::inotify_rm_watch(inotify_, descriptor);
  by_directory_.erase(known);
  by_descriptor_.erase(descriptor);
}

std::optional<std::vector<DirectoryEvent>> DirectoryWatch::wait() {
  if (!quiet(wake_)) return std::nullopt;
  std::array<pollfd, 2> waited{pollfd{inotify_, POLLIN, 0}, pollfd{wake_, POLLIN, 0}};
  while (::poll(waited.data(), waited.size(), -1) < 0) {
    if (errno != EINTR) return std::nullopt;
  }
  if (waited[1].revents != 0) return std::nullopt;

  alignas(inotify_event) std::array<char, 65536> buffer;
  std::vector<DirectoryEvent> events;
  const ssize_t size = ::read(inotify_, buffer.data(), buffer.size());
  const std::lock_guard guard(lock_);
  for (ssize_t at = 0; at < size;) {
    const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
    at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
    if ((event->mask & IN_Q_OVERFLOW) != 0) {
      events.push_back({});
      continue;
    }
    const auto known = by_descriptor_.find(event->wd);
    if (known == by_descriptor_.end()) continue;
    if ((event->mask & IN_IGNORED) != 0) {  // the directory is gone
      by_directory_.erase(known->second.directory);
      by_descriptor_.erase(known);
      continue;
    }
    if (event->len > 0) events.push_back({known->second.directory, event->name});
  }
  return events;
}

void DirectoryWatch::interrupt() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = ::write(wake_, &one, sizeof one);
}

}  // namespace replica::io

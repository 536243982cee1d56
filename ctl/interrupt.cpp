#include "interrupt.hpp"

#include <csignal>
#include <ctime>

namespace litestreamctl {

Interrupt::Interrupt() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  watcher_ = std::jthread([set, stop = stop_](const std::stop_token& end) mutable {
    const timespec pause{.tv_sec = 0, .tv_nsec = 50'000'000};  // how late the end of the thread is noticed
    while (!end.stop_requested())
      if (sigtimedwait(&set, nullptr, &pause) > 0) stop.request_stop();
  });
}

void survive_closed_pipes() { ::signal(SIGPIPE, SIG_IGN); }

}  // namespace litestreamctl

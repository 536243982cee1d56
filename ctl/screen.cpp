#include "screen.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <optional>

#include "output.hpp"

namespace litestreamctl {

namespace {

constexpr const char* kEnter = "\x1b[?1049h\x1b[?25l";  // alternate screen, no cursor
constexpr const char* kLeave = "\x1b[?25h\x1b[?1049l";

}  // namespace

struct Screen::Impl {
  std::optional<termios> before;                        // none when stdin is no terminal
  int wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);  // readable once a stop is requested
  bool keys = false;                                    // stdin is worth reading
};

bool Screen::is_available() { return ::isatty(STDOUT_FILENO) == 1; }

Screen::Screen() : impl_(std::make_unique<Impl>()) {
  termios mode{};
  if (::tcgetattr(STDIN_FILENO, &mode) == 0) {
    impl_->before = mode;
    mode.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    mode.c_cc[VSUSP] = _POSIX_VDISABLE;  // stopped, we would leave the shell our screen
    impl_->keys = ::tcsetattr(STDIN_FILENO, TCSANOW, &mode) == 0;
  }
  print(kEnter);
}

Screen::~Screen() {
  print(kLeave);
  if (impl_->before) ::tcsetattr(STDIN_FILENO, TCSANOW, &*impl_->before);
  if (impl_->wake >= 0) ::close(impl_->wake);
}

Screen::Size Screen::size() const {
  winsize window{};
  Size size;
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0) return size;
  if (window.ws_row > 0) size.rows = window.ws_row;
  if (window.ws_col > 0) size.columns = window.ws_col;
  return size;
}

bool Screen::show(const std::vector<std::string>& lines) {
  std::string text = "\x1b[H";
  const char* before = "";
  for (const std::string& line : lines) {
    text += before + line + "\x1b[K";
    before = "\r\n";
  }
  return print(text + "\x1b[J");
}

bool Screen::wait(std::chrono::milliseconds time, const std::stop_token& stop) {
  const std::stop_callback wake(stop, [this] { ::eventfd_write(impl_->wake, 1); });
  const auto end = std::chrono::steady_clock::now() + time;
  while (!stop.stop_requested()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    std::array<pollfd, 2> fds{pollfd{.fd = impl_->wake, .events = POLLIN, .revents = 0},
                              pollfd{.fd = impl_->keys ? STDIN_FILENO : -1, .events = POLLIN, .revents = 0}};
    ::poll(fds.data(), fds.size(), static_cast<int>(left.count()));
    if (fds[1].revents == 0) continue;
    char key = 0;
    if (::read(STDIN_FILENO, &key, 1) != 1) impl_->keys = false;
    if (key == 'q' || key == 'Q') return true;
  }
  return true;
}

}  // namespace litestreamctl

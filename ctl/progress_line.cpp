#include "progress_line.hpp"

#include <unistd.h>

#include <iostream>

#include "human.hpp"

namespace litestreamctl {

std::string progress_text(const replica::RestoreProgress& progress) {
  const std::uint64_t total = progress.bytes_total;
  const std::uint64_t percent =
      total == 0
          ? 100
          : static_cast<std::uint64_t>(100.0 * static_cast<double>(progress.bytes_done) / static_cast<double>(total));
  return "restoring " + std::to_string(percent) + "% (" + size_text(progress.bytes_done) + " of " + size_text(total) +
         ")";
}

ProgressLine::ProgressLine() : terminal_(::isatty(STDERR_FILENO) == 1) {}

void ProgressLine::show(const replica::RestoreProgress& progress) {
  const auto now = std::chrono::steady_clock::now();
  if (!terminal_ || now < next_) return;
  next_ = now + std::chrono::milliseconds(100);
  shown_ = true;
  std::cerr << "\r" << progress_text(progress) << "\x1b[K" << std::flush;
}

void ProgressLine::clear() {
  if (shown_) std::cerr << "\r\x1b[K" << std::flush;
  shown_ = false;
}

}  // namespace litestreamctl

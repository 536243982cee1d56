#include "progress_line.hpp"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <iostream>

namespace litestreamctl {

namespace {

// "1.2 GB", decimal units.
std::string size_text(std::uint64_t bytes) {
  constexpr std::array<const char*, 5> kUnits{"B", "kB", "MB", "GB", "TB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1000 && unit + 1 < kUnits.size(); ++unit) value /= 1000;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), unit == 0 ? "%.0f %s" : "%.1f %s", value, kUnits.at(unit));
  return text.data();
}

}  // namespace

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

// The terminal while a live view has it.
#pragma once

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

namespace litestreamctl {

// Takes the alternate screen, hides the cursor and reads keys as they are pressed; the destructor gives everything
// back. Signals must be turned into a stop token (Interrupt), else the terminal stays as it is.
class Screen {
 public:
  struct Size {
    std::size_t rows = 24, columns = 80;
  };

  static bool is_available();  // stdout is a terminal

  Screen();
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  Size size() const;
  // The lines, which must fit; the rest of the screen is empty. False when nothing can be written any more.
  bool show(const std::vector<std::string>& lines);
  // True when the user wants to leave: q, or a stop; false after `time`.
  bool wait(std::chrono::milliseconds time, const std::stop_token& stop);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace litestreamctl

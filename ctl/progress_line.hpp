// "restoring 42% (1.2 GB of 2.9 GB)" on a terminal; nothing elsewhere.
#pragma once

#include <chrono>
#include <string>

#include "replica/restore.hpp"

namespace litestreamctl {

std::string progress_text(const replica::RestoreProgress& progress);

class ProgressLine {
 public:
  ProgressLine();
  // At most ten times a second.
  void show(const replica::RestoreProgress& progress);
  void clear();

 private:
  bool terminal_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace litestreamctl

// SIGINT and SIGTERM as a stop token, so that an interrupted restore leaves nothing behind.
#pragma once

#include <stop_token>
#include <thread>

namespace litestreamctl {

class Interrupt {
 public:
  // Blocks the signals in this thread and those it starts.
  Interrupt();
  std::stop_token token() const { return stop_.get_token(); }

 private:
  std::stop_source stop_;
  std::jthread watcher_;
};

// What is printed for nobody (`litestreamctl bench … | head -1`) fails instead of ending the program: for verbs that
// have something to take away.
void survive_closed_pipes();

}  // namespace litestreamctl

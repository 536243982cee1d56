// A program run to its end, with input and a time limit.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "replica/result.hpp"

namespace litestreamd {

struct Command {
  std::vector<std::string> words;                                // never empty; no shell
  std::vector<std::pair<std::string, std::string>> environment;  // added to ours
  std::string input;                                             // its stdin; at most what a pipe holds
  std::chrono::milliseconds timeout{30'000};
};

// Its exit status, 128 + n after a signal. stdout and stderr go to our stderr. timed_out, or cancelled by the stop: it
// was killed with all that it had started and that had not left its process group.
replica::Result<int> run_command(const Command& command, const std::stop_token& stop);

}  // namespace litestreamd

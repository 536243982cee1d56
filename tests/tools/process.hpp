// Child processes, always ended by their own pid.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tools {

// Directory of the running program; the tools lie side by side.
std::string program_directory();

struct ProcessOptions {
  std::string output{};              // file for stdout and stderr; empty = ours
  std::vector<std::string> unset{};  // environment variables to drop
};

class Process {
 public:
  static Process start(const std::vector<std::string>& command, const ProcessOptions& options = {});
  Process() = default;
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  ~Process();  // kills what still runs

  pid_t pid() const noexcept { return pid_; }
  bool running();
  void signal(int number) const;
  // Exit status, 128 + signal when killed, nullopt when it still runs after `patience`.
  std::optional<int> wait(std::chrono::milliseconds patience);

 private:
  bool collect(int flags);
  pid_t pid_ = -1;
  std::optional<int> status_;
};

// Runs to the end; the exit status, or -1 after `patience` (then it is killed).
int run_process(const std::vector<std::string>& command, const ProcessOptions& options,
                std::chrono::milliseconds patience);

std::string read_file(const std::string& path);

}  // namespace tools

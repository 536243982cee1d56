// What the micro-benchmarks measure: one piece of a hot path each, on data that is the same every time.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace micro {

struct Task {
  std::string name;
  std::uint64_t bytes = 0;    // that one run handles; 0 = not counted in bytes
  std::function<void()> run;  // aborts when the result is wrong
};

// Made once, with their data.
std::vector<Task> make_tasks();
void add_storage_tasks(std::vector<Task>& tasks);
// Those on files, below the directory for temporary files; taken away at the end.
void add_file_tasks(std::vector<Task>& tasks);
void add_control_tasks(std::vector<Task>& tasks);

}  // namespace micro

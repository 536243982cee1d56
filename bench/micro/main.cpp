// micro                          all tasks, with google-benchmark and its flags
// micro --tasks                  their names
// micro --run TASK TIMES         one task so often and nothing else, for counting instructions
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "data.hpp"
#include "tasks.hpp"

namespace micro {

std::vector<Task> make_tasks() {
  std::vector<Task> tasks;
  add_storage_tasks(tasks);
  add_file_tasks(tasks);
  add_control_tasks(tasks);
  return tasks;
}

}  // namespace micro

int main(int argc, char** argv) {
  const auto tasks = micro::make_tasks();
  const std::string_view first = argc > 1 ? argv[1] : "";
  if (first == "--tasks") {
    for (const auto& task : tasks) std::printf("%s\n", task.name.c_str());
    return 0;
  }
  if (first == "--run" && argc == 4) {
    for (const auto& task : tasks) {
      if (task.name != argv[2]) continue;
      for (long left = std::strtol(argv[3], nullptr, 10); left > 0; --left) task.run();
      return 0;
    }
    micro::give_up("no task " + std::string(argv[2]));
  }
  for (const auto& task : tasks) {
    benchmark::RegisterBenchmark(task.name.c_str(), [&task](benchmark::State& state) {
      for (auto _ : state) task.run();
      if (task.bytes != 0) state.SetBytesProcessed(static_cast<std::int64_t>(task.bytes) * state.iterations());
    });
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

// oracle [--seeds FIRST COUNT] [--seconds S] [--jobs N] [--subject library|daemon|peer] [--peer-every K] [--keep DIR]
//
// Seeded trials: random writer processes, a subject that replicates, and restores that must equal the source. Each
// trial is a process of its own, so that a crash or a hang is one failed trial. The seed and the directory of a failed
// one are printed and the directory is kept. Environment: ORACLE_TRIALS overrides COUNT, ORACLE_SEED overrides FIRST,
// LITESTREAM_PEER names the peer's binary (without it the comparison with its restore is left out and said so).
//
// Exit status: 0 no difference, 1 differences, 2 usage.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "process.hpp"
#include "trial.hpp"

namespace {

using namespace tools;
using namespace std::chrono_literals;

struct Plan {
  std::uint64_t first = 1, count = 20, peer_every = 5;
  double seconds = 1.0;
  std::size_t jobs = 4;
  std::string subject = "library", directory = std::filesystem::temp_directory_path() / "litestream-oracle";
  std::string peer{};
  std::uint64_t only = 0;  // run this one seed in this process
};

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::uint64_t whole(const std::string& text) { return std::strtoull(text.c_str(), nullptr, 10); }

bool parse(int argc, char** argv, Plan& plan) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i], value = argv[i + 1];
    if (name == "--seeds" && i + 2 < argc) {
      plan.first = whole(value);
      plan.count = whole(argv[++i + 1]);
    } else if (name == "--seconds") {
      plan.seconds = std::strtod(value.c_str(), nullptr);
    } else if (name == "--jobs") {
      plan.jobs = whole(value);
    } else if (name == "--subject") {
      plan.subject = value;
    } else if (name == "--peer-every") {
      plan.peer_every = whole(value);
    } else if (name == "--keep") {
      plan.directory = value;
    } else if (name == "--only") {
      plan.only = whole(value);
    } else {
      return false;
    }
  }
  if (const std::string count = environment("ORACLE_TRIALS"); !count.empty()) plan.count = whole(count);
  if (const std::string first = environment("ORACLE_SEED"); !first.empty()) plan.first = whole(first);
  plan.peer = environment("LITESTREAM_PEER");
  return plan.subject == "library" || plan.subject == "daemon" || (plan.subject == "peer" && !plan.peer.empty());
}

std::string directory_of(const Plan& plan, std::uint64_t seed) {
  return plan.directory + "/seed-" + std::to_string(seed);
}

int run_one(const Plan& plan) {
  TrialOptions options;
  options.seed = plan.only;
  options.seconds = plan.seconds;
  options.directory = directory_of(plan, plan.only);
  std::filesystem::remove_all(options.directory);
  std::filesystem::create_directories(options.directory);
  if (plan.peer_every != 0 && plan.only % plan.peer_every == 0) options.peer = plan.peer;
  options.make_subject = [&](const SubjectSettings& settings) {
    if (plan.subject == "library") return make_library_subject(settings);
    const auto commands = plan.subject == "peer" ? peer_commands(plan.peer) : our_commands(program_directory());
    return make_daemon_subject(settings, commands);
  };
  const TrialResult result = run_trial(options);
  std::ofstream counters(options.directory + "/counters");
  for (const auto& [name, count] : result.counters) counters << count << ' ' << name << '\n';
  if (!result.wrong.empty()) std::printf("  %s\n", result.wrong.c_str());
  return result.wrong.empty() ? 0 : 1;
}

class Supervisor {
 public:
  explicit Supervisor(const Plan& plan) : plan_(plan) {}

  int run() {
    std::filesystem::create_directories(plan_.directory);
    for (std::uint64_t seed = plan_.first; seed < plan_.first + plan_.count; ++seed) {
      while (running_.size() >= plan_.jobs) reap();
      launch(seed);
    }
    while (!running_.empty()) reap();
    return report();
  }

 private:
  struct Running {
    std::uint64_t seed;
    Process process;
    std::chrono::steady_clock::time_point end;
  };

  void launch(std::uint64_t seed) {
    std::filesystem::create_directories(plan_.directory);
    std::vector<std::string> command = {
        program_directory() + "/oracle",  "--only",    std::to_string(seed), "--seconds",
        std::to_string(plan_.seconds),    "--subject", plan_.subject,        "--peer-every",
        std::to_string(plan_.peer_every), "--keep",    plan_.directory};
    ProcessOptions options;
    options.output = directory_of(plan_, seed) + ".out";
    std::filesystem::remove(options.output);
    const auto patience =
        std::chrono::seconds(300) + std::chrono::milliseconds(static_cast<int>(plan_.seconds * 10'000));
    running_.push_back({seed, Process::start(command, options), std::chrono::steady_clock::now() + patience});
  }

  void reap() {
    for (auto it = running_.begin(); it != running_.end(); ++it) {
      const auto status = it->process.wait(0ms);
      if (status) {
        settle(it->seed, *status);
      } else if (std::chrono::steady_clock::now() > it->end) {
        settle(it->seed, -1);
      } else {
        continue;
      }
      running_.erase(it);
      return;
    }
    std::this_thread::sleep_for(2ms);
  }

  void settle(std::uint64_t seed, int status) {
    const std::string directory = directory_of(plan_, seed), output = directory + ".out";
    std::ifstream in(directory + "/counters");
    std::int64_t count = 0;
    for (std::string name; in >> count && std::getline(in >> std::ws, name);) counters_[name] += count;
    if (status == 0) {
      std::filesystem::remove_all(directory);
      std::filesystem::remove(output);
      return;
    }
    ++failed_;
    std::printf("seed %llu: %s, kept %s\n%s", static_cast<unsigned long long>(seed),
                status == -1 ? "HANGS" : (status == 1 ? "DIFFERENT" : "CRASHED"), directory.c_str(),
                read_file(output).c_str());
    std::fflush(stdout);
  }

  int report() {
    for (const auto& [name, count] : counters_) std::printf("%10lld %s\n", static_cast<long long>(count), name.c_str());
    if (plan_.peer.empty()) std::printf("not compared with the peer's restore: LITESTREAM_PEER is not set\n");
    if (plan_.count >= 100 && plan_.subject == "library") demand_exercised();
    std::printf("%llu of %llu trials without a difference\n", static_cast<unsigned long long>(plan_.count - failed_),
                static_cast<unsigned long long>(plan_.count));
    return failed_ == 0 && lacking_.empty() ? 0 : 1;
  }

  // Trials that no longer reach a step prove nothing about it.
  void demand_exercised() {
    for (const char* name :
         {"easy checkpoints", "hard checkpoints", "re-anchorings", "trials with compaction", "trials with snapshots",
          "restores of a txid", "restores while writing", "crashes", "stops"}) {
      if (counters_[name] > 0) continue;
      lacking_.push_back(name);
      std::printf("NOT EXERCISED: %s\n", name);
    }
  }

  Plan plan_;
  std::deque<Running> running_;
  std::map<std::string, std::int64_t> counters_;
  std::uint64_t failed_ = 0;
  std::vector<std::string> lacking_;
};

}  // namespace

int main(int argc, char** argv) {
  Plan plan;
  if (!parse(argc, argv, plan)) {
    std::fprintf(stderr,
                 "usage: oracle [--seeds FIRST COUNT] [--seconds S] [--jobs N] [--subject library|daemon|peer]\n"
                 "              [--peer-every K] [--keep DIR]\n");
    return 2;
  }
  return plan.only != 0 ? run_one(plan) : Supervisor(plan).run();
}

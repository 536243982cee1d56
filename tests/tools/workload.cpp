// workload create DB [--seed N] [--page-size P] [--auto-vacuum A] [--rollback-journal]
// workload write DB [--seed N] [--index I] [--seconds S] [--transactions N] [--busy0] [--rate R] [--small|--plain]
//                   [--autocheckpoint PAGES] [--no-checkpoints] [--ledger LOG]
// workload run DB --writers N [options of write]      N processes, LOG gets ".<index>" appended
// workload digest DB [--exclude PREFIX] [--no-integrity-check]
// workload ledger DB [LOG...]                         every committed transaction of the logs is there, none is torn
//
// Exit status: 0 fine, 1 the check found a difference or the application was harmed, 2 usage.
#include <sys/wait.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "digest.hpp"
#include "ledger.hpp"
#include "process.hpp"
#include "writer.hpp"

namespace {

using namespace tools;

class Arguments {
 public:
  Arguments(int count, char** values) : values_(values + 2, values + count) {}

  bool flag(std::string_view name) const {
    for (const auto& value : values_) {
      if (value == name) return true;
    }
    return false;
  }
  std::string text(std::string_view name, std::string otherwise = "") const {
    for (std::size_t i = 0; i + 1 < values_.size(); ++i) {
      if (values_[i] == name) return values_[i + 1];
    }
    return otherwise;
  }
  double number(std::string_view name, double otherwise) const {
    const std::string value = text(name);
    return value.empty() ? otherwise : std::strtod(value.c_str(), nullptr);
  }
  std::uint64_t whole(std::string_view name, std::uint64_t otherwise) const {
    const std::string value = text(name);
    return value.empty() ? otherwise : std::strtoull(value.c_str(), nullptr, 10);
  }
  const std::vector<std::string>& all() const { return values_; }

 private:
  std::vector<std::string> values_;
};

int complain(const std::string& what) {
  std::fprintf(stderr, "workload: %s\n", what.c_str());
  return 1;
}

int create(const std::string& path, const Arguments& arguments) {
  const std::uint64_t seed = arguments.whole("--seed", 0);
  DatabaseShape shape = shape_for(seed);
  shape.page_size = static_cast<int>(arguments.whole("--page-size", static_cast<std::uint64_t>(shape.page_size)));
  shape.auto_vacuum = static_cast<int>(arguments.whole("--auto-vacuum", static_cast<std::uint64_t>(shape.auto_vacuum)));
  shape.wal = !arguments.flag("--rollback-journal");
  const std::string wrong = create_database(path, shape, seed);
  return wrong.empty() ? 0 : complain(wrong);
}

WriterOptions writer_options(const std::string& path, const Arguments& arguments) {
  WriterOptions options;
  options.path = path;
  options.seed = arguments.whole("--seed", 0);
  options.index = static_cast<int>(arguments.whole("--index", 1));
  options.transactions = static_cast<std::int64_t>(arguments.number("--transactions", -1));
  options.seconds = arguments.number("--seconds", options.transactions < 0 ? 1 : 1e9);
  options.rate = arguments.number("--rate", 0);
  options.autocheckpoint = static_cast<int>(arguments.number("--autocheckpoint", -2));
  if (arguments.flag("--busy0")) options.busy_timeout_ms = 0;
  options.checkpoints = !arguments.flag("--no-checkpoints");
  options.plain = arguments.flag("--plain");
  options.small = arguments.flag("--small");
  options.ledger_log = arguments.text("--ledger");
  return options;
}

int write(const std::string& path, const Arguments& arguments) {
  std::signal(SIGTERM, [](int) { request_stop(); });
  WriterReport report = run_writer(writer_options(path, arguments));
  std::printf("%s\n", to_json(report).c_str());
  return report.error.empty() ? 0 : complain(report.error);
}

// Every writer is a process of its own: locks between processes are what is to be tested.
int run(const std::string& path, const Arguments& arguments) {
  std::vector<Process> writers;
  const auto count = arguments.whole("--writers", 1);
  for (std::uint64_t i = 1; i <= count; ++i) {
    std::vector<std::string> command = {program_directory() + "/workload", "write", path, "--index", std::to_string(i)};
    if (const std::string log = arguments.text("--ledger"); !log.empty()) {
      command.insert(command.end(), {"--ledger", log + "." + std::to_string(i)});
    }
    command.insert(command.end(), arguments.all().begin() + 1, arguments.all().end());
    writers.push_back(Process::start(command));
  }
  int failed = 0;
  for (Process& writer : writers) failed |= writer.wait(std::chrono::hours(24)).value_or(1);
  return failed == 0 ? 0 : 1;
}

int print_digest(const std::string& path, const Arguments& arguments) {
  DigestOptions options;
  options.exclude_prefix = arguments.text("--exclude");
  options.integrity_check = !arguments.flag("--no-integrity-check");
  const Digest result = digest(path, options);
  std::printf("%s\n", result.text().c_str());
  return result.sound() ? 0 : 1;
}

int ledger(const std::string& path, const Arguments& arguments) {
  Connection db;
  if (db.open(path, 20'000) != SQLITE_OK) return complain("cannot open " + path);
  Counters found;
  if (const std::string wrong = check_ledger(db, found); !wrong.empty()) return complain(wrong);
  for (std::size_t i = 1; i < arguments.all().size(); ++i) {
    const std::string missing = missing_commits(read_ledger_log(arguments.all()[i]), found);
    if (!missing.empty()) return complain(missing);
  }
  for (const auto& [writer, counter] : found) std::printf("%d %lld\n", writer, static_cast<long long>(counter));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: workload create|write|run|digest|ledger DB [options]\n");
    return 2;
  }
  const std::string verb = argv[1], path = argv[2];
  const Arguments arguments(argc, argv);
  if (verb == "create") return create(path, arguments);
  if (verb == "write") return write(path, arguments);
  if (verb == "run") return run(path, arguments);
  if (verb == "digest") return print_digest(path, arguments);
  if (verb == "ledger") return ledger(path, arguments);
  std::fprintf(stderr, "workload: unknown verb %s\n", verb.c_str());
  return 2;
}

#include <charconv>
#include <filesystem>

#include "bench/disk.hpp"
#include "bench/report.hpp"
#include "bench/system_error.hpp"
#include "bench/workspace.hpp"
#include "config/paths.hpp"
#include "config/stores.hpp"
#include "interrupt.hpp"
#include "output.hpp"

namespace litestreamctl {

namespace {

constexpr std::uint64_t kMegabyte = 1'000'000;
constexpr std::uint64_t kLargestMegabytes = 100'000;
constexpr std::chrono::seconds kLongest{3600};
constexpr std::uint64_t kSpare = 16 * kMegabyte;
constexpr const char* kExample = "litestreamctl bench s3://bucket/path";

struct Request {
  std::string database;       // absolute; empty = none
  std::vector<Place> places;  // at least one
  std::string directory;      // for what is written on the disk
  std::uint64_t size = 0;     // bytes
  std::chrono::milliseconds time{};
  bool as_json = false;
};

bool is_replica(const std::string& word) {
  return config::is_url(word) && !word.starts_with("sqlite://") && !word.starts_with("sqlite3://");
}

Outcome read_places(const cli::Arguments& args, Request& request) {
  const auto& words = args.positional();
  if (words.empty()) return misuse("replica URL or database path required", kExample);
  if (words.size() > 2) return misuse("too many arguments");
  if (words.size() == 2 && (is_replica(words[0]) || !is_replica(words[1])))
    return misuse("of two arguments the first is a database path, the second a replica URL",
                  "litestreamctl bench /path/to/db s3://bucket/path");
  auto places = find_places(words.back(), args);
  if (!places) return tl::unexpected(places.error());
  request.places = std::move(*places);
  if (is_replica(words.front())) return {};
  auto path = config::absolute_path(words.front());
  if (!path) return misuse(path.error().message);
  request.database = std::move(*path);
  return {};
}

Outcome read_size(const cli::Arguments& args, Request& request) {
  const std::string text = args.has("size") ? args.value("size") : "64";
  std::uint64_t megabytes = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), megabytes);
  if (error != std::errc() || end != text.data() + text.size() || megabytes == 0 || megabytes > kLargestMegabytes)
    return misuse("-size is a whole number of MB from 1 to " + std::to_string(kLargestMegabytes) + ": " + text);
  request.size = megabytes * kMegabyte;
  return {};
}

Outcome read_options(const cli::Arguments& args, Request& request) {
  if (auto r = read_size(args, request); !r) return r;
  const auto time = cli::parse_seconds(args.has("seconds") ? args.value("seconds") : "20");
  if (!time) return misuse("-seconds: " + time.error().message);
  if (*time > kLongest) return misuse("-seconds is at most " + std::to_string(kLongest.count()));
  request.time = *time;
  const std::string beside =
      request.database.empty() ? "." : std::filesystem::path(request.database).parent_path().string();
  auto directory = config::absolute_path(args.has("dir") ? args.value("dir") : beside);
  if (!directory) return misuse("-dir: " + directory.error().message);
  request.directory = std::move(*directory);
  request.as_json = args.is_on("json");
  return {};
}

// Code and all, for what a script or a search may look for.
Problem coded(const std::string& where, const replica::Error& error) {
  return {where + error.message + " (" + std::string(replica::name(error.code)) + ")", error.hint};
}

Outcome read_database(bench::Report& report) {
  if (report.database.empty()) return {};
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(report.database, error);
  if (error) {
    const replica::Failure failure = bench::fail_errno(error.value(), "look at database", report.database);
    return tl::unexpected(coded("", failure.value()));
  }
  report.database_bytes = size;
  return {};
}

// What is found is printed as it is found.
Outcome tell(const Request& request, const std::string& text) { return request.as_json ? Outcome() : printed(text); }

Outcome try_stores(const Request& request, bench::TrialPlan plan, const bench::Meter& meter, bench::Report& report) {
  plan.time /= static_cast<std::int64_t>(request.places.size());
  for (const Place& place : request.places) {
    if (meter.call.stop.stop_requested()) return {};
    report.trials.push_back(bench::try_store(place.settings, plan, meter));
    if (auto said = tell(request, bench::trial_text(report.trials.back(), report.database)); !said) return said;
  }
  return {};
}

// Fails when it cannot be told; what cannot be measured is in the report.
Outcome measure(const Request& request, const bench::Meter& meter, bench::Report& report) {
  // The database, what is captured of it and what is restored of it; or a file.
  auto workspace = bench::Workspace::create(request.directory, 3 * request.size + kSpare);
  if (!workspace) {
    report.error = workspace.error();
    return {};
  }
  const auto for_disk = request.time / 10;
  auto disk = bench::measure_disk({.directory = workspace->path(), .size = request.size, .time = for_disk}, meter);
  if (!disk) {
    report.error = disk.error();
    return {};
  }
  report.disk = *disk;
  if (auto said = tell(request, bench::disk_text(*disk, request.directory)); !said) return said;
  const bench::TrialPlan plan{.directory = workspace->path(),
                              .size = request.size,
                              .time = request.time - for_disk,
                              .disk = *disk,
                              .database_bytes = report.database_bytes};
  return try_stores(request, plan, meter, report);
}

Outcome verdict(const bench::Report& report, bool interrupted) {
  Problem problem;
  const auto add = [&](Problem more) {
    problem.message += (problem.message.empty() ? "" : "; ") + more.message;
    if (problem.hint.empty()) problem.hint = std::move(more.hint);
  };
  if (interrupted) add({"interrupted"});
  if (report.error && !interrupted) add(coded("", *report.error));
  for (const bench::Trial& trial : report.trials) {
    if (trial.passed()) continue;
    if (trial.error && !interrupted) add(coded("replica " + trial.store + ": ", *trial.error));
    if (trial.cleared.error) add({what_is_left(trial.cleared, trial.prefix), trial.cleared.error->hint});
  }
  if (problem.message.empty()) return {};
  return tl::unexpected(std::move(problem));
}

Outcome run_bench(const cli::Arguments& args) {
  Request request;
  if (auto r = read_places(args, request); !r) return r;
  if (auto r = read_options(args, request); !r) return r;
  bench::Report report;
  report.directory = request.directory;
  report.sample_bytes = request.size;
  report.database = request.database;
  if (auto r = read_database(report); !r) return r;
  survive_closed_pipes();
  const Interrupt interrupt;
  const replica::SystemClock clock;
  const bench::Meter meter{.clock = clock, .call = {.stop = interrupt.token(), .deadline = {}}};
  if (auto told = measure(request, meter, report); !told) return told;
  if (request.as_json)
    if (auto said = printed(pretty(bench::report_json(report))); !said) return said;
  return verdict(report, interrupt.token().stop_requested());
}

}  // namespace

Verb bench_verb() {
  return {"bench",
          "DB_PATH|[DB_PATH] REPLICA_URL",
          "Measure this disk and the store of a replica, and say what to expect: how long the first copy and a restore "
          "take, and how far the replica is behind. Works on a sample database in a temporary directory and below a "
          "prefix of its own, takes away what it has put, and of DB_PATH looks at the size only.",
          {{"size", "MB", "of the sample database and of the large object", "64"},
           {"seconds", "S", "for all that is repeated, together; large transfers take what they take", "20"},
           {"dir", "DIR", "measure the disk of this directory", "where DB_PATH is, else here"},
           kReplicaFlag,
           kConfigFlag,
           kNoExpandFlag,
           kJsonFlag},
          run_bench};
}

}  // namespace litestreamctl

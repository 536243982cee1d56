#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "config/build.hpp"
#include "human.hpp"
#include "interrupt.hpp"
#include "output.hpp"
#include "source.hpp"
#include "store_check.hpp"

namespace litestreamctl {

namespace json = boost::json;

namespace {

constexpr std::size_t kNameWidth = 42;

std::string line_of(const CheckStep& step) {
  std::string line = step.name;
  line.resize(std::max(line.size() + 1, kNameWidth), ' ');
  if (!step.error) return line + "ok\n";
  line += "failed: " + std::string(replica::name(step.error->code)) + ": " + step.error->message + "\n";
  if (!step.error->hint.empty()) line += std::string(kNameWidth, ' ') + "hint: " + step.error->hint + "\n";
  return line;
}

std::string summary_text(const StoreReport& report, const StoreCheck& check) {
  const auto word = [](bool value) { return value ? "yes" : "no"; };
  std::string text = "\nconditional put: " + std::string(word(report.capabilities.conditional_put)) +
                     "\ntimes are kept:  " + word(report.capabilities.keeps_modified_at) + "\n";
  if (!report.times.empty()) {
    std::vector<std::vector<std::string>> rows{{"operation", "p50 ms", "max ms"}};
    for (const OperationTime& one : report.times)
      rows.push_back({one.operation, decimal(one.median_ms), decimal(one.longest_ms)});
    text += "\nobjects of " + std::to_string(check.small_size) + " bytes:\n" + table(rows);
  }
  if (report.down_per_second > 0)
    text += "\none of " + std::to_string(check.large_size >> 20U) + " MiB: " + decimal(report.up_per_second / 1e6) +
            " MB/s up, " + decimal(report.down_per_second / 1e6) + " MB/s down\n";
  return text;
}

json::array steps_json(const std::vector<CheckStep>& steps) {
  json::array out;
  for (const CheckStep& step : steps) {
    json::object one{{"name", step.name}, {"ok", !step.error}};
    if (step.error) {
      one["code"] = replica::name(step.error->code);
      one["message"] = step.error->message;
      if (!step.error->hint.empty()) one["hint"] = step.error->hint;
    }
    out.push_back(std::move(one));
  }
  return out;
}

std::string report_json(const StoreReport& report, const StoreCheck& check, const Place& place) {
  json::object times;
  for (const OperationTime& one : report.times)
    times[one.operation] = json::object{{"count", one.count}, {"p50_ms", one.median_ms}, {"max_ms", one.longest_ms}};
  json::array left;
  for (const std::string& key : report.cleared.left) left.push_back(json::string(key));
  json::object out{{"store", place.settings.location},
                   {"type", place.settings.type},
                   {"prefix", check.prefix},
                   {"ok", report.passed()},
                   {"operations", steps_json(report.operations)},
                   {"capabilities", json::object{{"conditional_put", report.capabilities.conditional_put},
                                                 {"keeps_modified_at", report.capabilities.keeps_modified_at}}},
                   {"latency", std::move(times)}};
  if (report.down_per_second > 0)
    out["throughput"] = json::object{{"bytes", check.large_size},
                                     {"up_bytes_per_second", report.up_per_second},
                                     {"down_bytes_per_second", report.down_per_second}};
  out["checks"] = steps_json(report.exam);
  out["left"] = std::move(left);
  return pretty(out);
}

Outcome verdict(const StoreReport& report, const StoreCheck& check, bool interrupted) {
  if (report.passed() && !interrupted) return {};
  Problem problem;
  if (interrupted) {
    problem.message = "interrupted";
  } else if (report.failures() > 0) {
    problem.message = std::to_string(report.failures()) + " of " +
                      std::to_string(report.operations.size() + report.exam.size()) + " checks failed";
    if (report.exam.empty()) problem.message += ", the exam was left out";
  }
  if (report.cleared.error) {
    problem.message += (problem.message.empty() ? "" : "; ") + what_is_left(report.cleared, check.prefix);
    problem.hint = report.cleared.error->hint;
    if (report.cleared.error->code == replica::Errc::permission_denied)
      problem.hint = "such a store can hold a replica all the same: it grows, unless a rule of the store deletes";
  }
  return tl::unexpected(std::move(problem));
}

Outcome run_check(const cli::Arguments& args) {
  if (args.positional().empty())
    return misuse("replica URL or database path required", "litestreamctl check-backend s3://bucket/path");
  if (args.positional().size() > 1) return misuse("too many arguments");
  const auto place = find_place(args.positional().front(), args);
  if (!place) return tl::unexpected(place.error());
  const bool as_json = args.is_on("json");
  survive_closed_pipes();
  StoreCheck check{.prefix = own_prefix("check-backend")};
  if (!as_json) {
    if (auto said = printed("store: " + place->settings.location + "\n\n"); !said) return said;
    // What cannot be written is found out at the end.
    check.on_step = [](const CheckStep& step) { print(line_of(step)); };
  }
  const Interrupt interrupt;
  const replica::Call call{.stop = interrupt.token(), .deadline = {}};
  const auto backend = config::open_backend(place->settings);
  const StoreReport report = check_store(*backend, check, call);
  const std::string text = as_json ? report_json(report, check, *place) : summary_text(report, check);
  if (auto said = printed(text); !said) return said;
  return verdict(report, check, interrupt.token().stop_requested());
}

}  // namespace

Verb check_backend_verb() {
  return {"check-backend",
          "DB_PATH|REPLICA_URL",
          "Examine the store of a replica: whether it keeps its promises, and how fast it is. Works below a prefix of "
          "its own, with about 3,000 requests and 100 MB of traffic, and takes away what it has put.",
          {kReplicaFlag, kConfigFlag, kNoExpandFlag, kJsonFlag},
          run_check};
}

}  // namespace litestreamctl

#include "many.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <iostream>

#include "control_call.hpp"
#include "human.hpp"
#include "output.hpp"
#include "rows.hpp"

namespace litestreamctl {

namespace json = boost::json;
using std::chrono::milliseconds;

namespace {

// What to do with each database.
struct Work {
  const control::Method& method;
  json::object options;
  milliseconds timeout;
  bool text;  // a line each, not JSON
};

struct Tally {
  json::array results;
  std::size_t failed = 0;
};

// Why there is nothing to do; empty when there is.
std::string passed_over(std::string_view method, const std::string& status) {
  if (method == "start") return status == "open" ? "already open" : "";
  return status == "open" ? "" : method == "stop" ? "already closed" : "closed, not synced";
}

// Slashes are matched by slashes only, as by a shell. A path that is one of the daemon's is taken as it stands.
std::vector<DatabaseRow> chosen(std::vector<DatabaseRow> rows, const std::string& pattern) {
  const auto named = std::find_if(rows.begin(), rows.end(), [&](const DatabaseRow& r) { return r.path == pattern; });
  if (named != rows.end()) return {*named};
  std::erase_if(rows, [&](const DatabaseRow& r) { return ::fnmatch(pattern.c_str(), r.path.c_str(), FNM_PATHNAME); });
  return rows;
}

bool say(const Work& work, Tally& tally, json::object result, const std::string& line) {
  if (work.text) return print(line);
  tally.results.push_back(std::move(result));
  return true;
}

// False when the connection is gone or nothing can be printed: the rest makes no sense then.
tl::expected<void, Problem> one(control::Client& client, const Work& work, const DatabaseRow& row, Tally& tally) {
  const auto cannot_print = [] { return problem(replica::Error{replica::Errc::io, "cannot write the result"}); };
  if (const std::string why = passed_over(work.method.name, row.status); !why.empty()) {
    json::object skipped{{"path", row.path}, {"status", row.status}, {"skipped", why}};
    if (!say(work, tally, std::move(skipped), printable(row.path) + "  " + why + "\n")) return cannot_print();
    return {};
  }
  json::object params = work.options;
  params["path"] = row.path;
  const auto result = client.call(work.method.name, params, work.timeout);
  if (result) {
    json::object object = result->is_object() ? result->get_object() : json::object{{"path", row.path}};
    const std::string line = outcome_line(object);
    if (!say(work, tally, std::move(object), line)) return cannot_print();
    return {};
  }
  const control::Error& error = result.error();
  ++tally.failed;
  std::cerr << "Error: " << printable(row.path) << ": " << error.message << "\n";
  if (!work.text)
    tally.results.push_back(json::object{
        {"path", row.path},
        {"error", json::object{{"code", error.code}, {"message", error.message}, {"reason", error.reason}}}});
  if (error.code == control::code::kTransport) return problem(error);
  return {};
}

Outcome verdict(const Tally& tally, std::size_t all) {
  if (tally.failed == 0) return {};
  return tl::unexpected(Problem{std::to_string(tally.failed) + " of " + std::to_string(all) + " databases failed"});
}

tl::expected<std::string, Problem> pattern_of(const cli::Arguments& args) {
  if (args.is_on("all")) {
    if (!args.positional().empty()) return misuse("-all and a database path exclude each other");
    return std::string();
  }
  if (args.positional().size() > 1) return misuse("too many arguments", "litestreamctl stop -socket PATH '/data/*.db'");
  const auto path = absolute(args.positional().front());
  if (!path) return tl::unexpected(path.error());
  return std::string(path->get_string());
}

}  // namespace

bool names_many(const cli::Arguments& args) {
  const auto& words = args.positional();
  return args.is_on("all") || std::any_of(words.begin(), words.end(), [](const std::string& word) {
           return word.find_first_of("*?[") != std::string::npos;
         });
}

Outcome run_on_many(const control::Method& method, const cli::Arguments& args) {
  if (args.has("request-id")) return misuse("-request-id stands for one call, not for many databases");
  const auto pattern = pattern_of(args);
  if (!pattern) return tl::unexpected(pattern.error());
  auto options = options_of(method, args);
  if (!options) return tl::unexpected(options.error());
  const auto timeout = timeout_of(args);
  if (!timeout) return tl::unexpected(timeout.error());
  auto client = dial(args);
  if (!client) return tl::unexpected(client.error());
  const auto listed = client->call("list");
  if (!listed) return problem(listed.error());
  std::vector<DatabaseRow> rows = database_rows(*listed);
  if (!pattern->empty()) rows = chosen(std::move(rows), *pattern);
  if (rows.empty() && !pattern->empty()) return tl::unexpected(Problem{"no database matches " + *pattern});
  const Work work{method, std::move(*options), *timeout, !args.is_on("json")};
  Tally tally;
  for (const DatabaseRow& row : rows)
    if (auto done = one(*client, work, row, tally); !done) return done;
  if (!work.text)
    if (auto shown = printed(pretty(tally.results)); !shown) return shown;
  return verdict(tally, rows.size());
}

}  // namespace litestreamctl

#include "restore_verb.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <charconv>
#include <filesystem>

#include "config/duration.hpp"
#include "config/paths.hpp"
#include "follow.hpp"
#include "interrupt.hpp"
#include "log_lines.hpp"
#include "output.hpp"
#include "progress_line.hpp"
#include "replica/restore.hpp"
#include "source.hpp"

namespace litestreamctl {

namespace json = boost::json;
using replica::Errc;

namespace {

constexpr const char* kExample = "litestreamctl restore -o /path/to/db file:///path/to/replica";

struct Request {
  replica::RestoreTarget target;
  replica::RestoreOptions options;
  std::string integrity_check = "none";
  std::chrono::milliseconds follow_interval{1000};
  RestoreStyle style;
};

// One sentence of what happened.
void note(const Request& request, std::string_view sentence, std::initializer_list<replica::LogField> fields = {}) {
  if (request.style.as_peer) {
    StreamLog(*request.style.log).log(replica::LogLevel::info, sentence, fields);
  } else {
    *request.style.log << sentence << "\n";
  }
}

Outcome read_target(const cli::Arguments& args, replica::RestoreTarget& target) {
  if (args.has("txid")) {
    const auto txid = replica::TxId::parse(args.value("txid"));
    if (!txid) return misuse("invalid value \"" + args.value("txid") + "\" for flag -txid: " + txid.error().message);
    target.txid = *txid;
  }
  if (args.has("timestamp")) {
    const auto time = replica::parse_rfc3339(args.value("timestamp"));
    if (!time) return misuse("invalid -timestamp, must specify in ISO 8601 format (e.g. 2000-01-01T00:00:00Z)");
    target.before = *time;
  }
  if (target.txid && target.before) return misuse("cannot specify index & timestamp to restore");
  return {};
}

Outcome read_options(const cli::Arguments& args, Request& request) {
  request.options.force = args.is_on("force");
  if (args.has("parallelism")) {
    const std::string text = args.value("parallelism");
    int& value = request.options.parallelism;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 1)
      return misuse("invalid value \"" + text + "\" for flag -parallelism: must be a positive number");
  }
  if (args.has("follow-interval")) {
    const std::string text = args.value("follow-interval");
    const auto interval = config::parse_duration(text);
    if (!interval || *interval <= config::Duration::zero())
      return misuse("invalid value \"" + text + "\" for flag -follow-interval: must be a duration like 1s or 500ms");
    request.follow_interval = config::to_milliseconds(*interval);
  }
  if (!args.has("integrity-check")) return {};
  request.integrity_check = args.value("integrity-check");
  if (request.integrity_check == "quick") {
    request.options.integrity_check = replica::IntegrityCheck::quick;
  } else if (request.integrity_check == "full") {
    request.options.integrity_check = replica::IntegrityCheck::full;
  } else if (request.integrity_check != "none") {
    return misuse("invalid -integrity-check value: " + request.integrity_check);
  }
  return {};
}

Outcome read_output(const cli::Arguments& args, const Source& source, std::string& output) {
  if (!args.has("o")) {
    if (source.database.empty()) return misuse("-o is required when restoring from a replica URL", kExample);
    output = source.database;
    return {};
  }
  auto path = config::absolute_path(args.value("o"));
  if (!path) return misuse(path.error().message);
  output = std::move(*path);
  return {};
}

std::string seconds_text(replica::Timestamp time) {
  return replica::to_rfc3339(std::chrono::floor<std::chrono::seconds>(time));
}

std::string as_typed(const cli::Arguments& args, const Request& request) {
  return args.has("o") ? args.value("o") : request.options.output;
}

json::array files_of(const replica::RestorePlan& plan) {
  json::array files;
  for (const replica::LtxFileInfo& file : plan.files)
    files.push_back(json::object{{"level", file.level},
                                 {"name", file.name()},
                                 {"min_txid", file.range.min.text()},
                                 {"max_txid", file.range.max.text()},
                                 {"size", file.size},
                                 {"timestamp", seconds_text(file.created_at)}});
  return files;
}

std::string plan_json(const std::string& from, const std::string& type, const std::string& output,
                      const replica::RestorePlan& plan) {
  return pretty(json::object{{"source", from},
                             {"target_path", output},
                             {"replica", type},
                             {"min_txid", plan.min_txid().text()},
                             {"max_txid", plan.max_txid().text()},
                             {"files", files_of(plan)}});
}

std::string plan_text(const std::string& from, const std::string& type, const std::string& output,
                      const replica::RestorePlan& plan) {
  std::string text = "Restore plan:\n";
  text += "  source: " + from + "\n  target: " + output + "\n  replica: " + type + "\n";
  text += "  txid range: " + plan.min_txid().text() + " - " + plan.max_txid().text() + "\n\nFiles to fetch:\n";
  std::vector<std::vector<std::string>> rows{{"level", "file", "min_txid", "max_txid", "size", "timestamp"}};
  for (const replica::LtxFileInfo& file : plan.files)
    rows.push_back({std::to_string(file.level), file.name(), file.range.min.text(), file.range.max.text(),
                    std::to_string(file.size), seconds_text(file.created_at)});
  return text + table(rows);
}

Outcome say(const std::string& text) {
  if (!text.empty() && !print(text)) return problem(replica::Error{Errc::io, "cannot write the result"});
  return {};
}

// The first restorable moment, for one that was asked for before it.
Outcome no_such_time(const Source& source, const replica::Call& call) {
  const auto plan = replica::plan_restore(source.replica, {.txid = replica::TxId{1}, .before = {}}, call);
  std::string hint;
  if (plan && !plan->files.empty())
    hint = "the oldest backup is of " + replica::to_rfc3339(plan->files.back().created_at);
  return problem(replica::Error{Errc::not_found, "timestamp does not exist", std::move(hint)});
}

// "Nothing there" is said only of a replica that was read and is empty: with a wrong -txid, say, the backup exists.
Outcome nothing_fits(const replica::Error& error, const Request& request, const cli::Arguments& args,
                     const Source& source, const replica::Call& call) {
  const bool by_time = request.target.before && source.database.empty();  // the peer has these texts for URLs only
  if (error.code != Errc::not_found || !(by_time || args.is_on("if-replica-exists"))) return problem(error);
  const auto last = source.replica.last_txid(call);
  if (!last) return problem(last.error());
  if (*last) return by_time ? no_such_time(source, call) : problem(error);
  if (!args.is_on("if-replica-exists")) return problem(replica::Error{Errc::not_found, "no backups found"});
  note(request, "no matching backups found");
  return {};
}

Outcome show_plan(const Request& request, const cli::Arguments& args, const Source& source, const replica::Call& call) {
  const auto plan = replica::plan_restore(source.replica, request.target, call);
  if (!plan) return nothing_fits(plan.error(), request, args, source, call);
  const std::string from = source.database.empty() ? source.location : source.database;
  const std::string type(source.replica.type());
  const std::string target = as_typed(args, request);
  return say(args.is_on("json") ? plan_json(from, type, target, *plan) : plan_text(from, type, target, *plan));
}

using Begin = std::chrono::steady_clock::time_point;

Outcome summary(const Request& request, const cli::Arguments& args, const Source& source, const std::string& txid,
                Begin begin) {
  if (!args.is_on("json")) return {};
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
  return say(pretty(json::object{{"db_path", as_typed(args, request)},
                                 {"replica", std::string(source.replica.type())},
                                 {"txid", txid},
                                 {"duration_ms", took.count()},
                                 {"integrity_check", request.integrity_check}}));
}

void note_check(const Request& request, const Source& source) {
  if (request.options.integrity_check != replica::IntegrityCheck::none)
    note(request, "post-restore integrity check passed", {{"replica", std::string(source.replica.type())}});
}

Outcome restore(Request request, const cli::Arguments& args, const std::vector<Source>& sources,
                const replica::Call& call) {
  const auto begin = std::chrono::steady_clock::now();
  ProgressLine progress;
  request.options.on_progress = [&progress](const replica::RestoreProgress& p) { progress.show(p); };
  const auto tell = [&](std::size_t number, const replica::Error& error) { warn_of(sources[number], error); };
  const auto from = replica::restore_from_any(replicas_of(sources), request.target, request.options, call, tell);
  progress.clear();
  if (!from) return nothing_fits(from.error(), request, args, sources.front(), call);
  const Source& source = sources[from->number];
  note_check(request, source);
  return summary(request, args, source, from->outcome.txid.text(), begin);
}

// The peer's words.
Outcome check_follow(const Request& request, const cli::Arguments& args) {
  if (args.is_on("dry-run")) return misuse("cannot use -dry-run with -f");
  if (request.target.txid) return misuse("cannot use follow mode with -txid");
  if (request.target.before) return misuse("cannot use follow mode with -timestamp");
  return {};
}

Outcome follow_replica(const Request& request, const cli::Arguments& args, const Source& source,
                       const replica::Call& call) {
  if (auto r = check_follow(request, args); !r) return r;
  const auto begin = std::chrono::steady_clock::now();
  ProgressLine progress;
  auto follower =
      replica::Follower::open(source.replica,
                              {.output = request.options.output,
                               .parallelism = request.options.parallelism,
                               .integrity_check = request.options.integrity_check,
                               .on_progress = [&progress](const replica::RestoreProgress& p) { progress.show(p); }},
                              call);
  progress.clear();
  if (!follower) return nothing_fits(follower.error(), request, args, source, call);
  if (follower->restored()) note_check(request, source);
  StreamLog log(*request.style.log);
  const FollowRun run{
      .database = source.database, .output = as_typed(args, request), .interval = request.follow_interval};
  if (auto r = follow(*follower, source.replica, run, log, call); !r) return problem(r.error());
  return summary(request, args, source, request.style.as_peer ? "" : follower->position().text(), begin);
}

Outcome run_restore(const RestoreStyle& style, const cli::Arguments& args) {
  Request request;
  request.style = style;
  if (auto r = read_target(args, request.target); !r) return r;
  if (auto r = read_options(args, request); !r) return r;
  if (args.positional().empty()) return misuse("database path or replica URL required", kExample);
  if (args.positional().size() > 1) return misuse("too many arguments");
  const auto sources = open_sources(args.positional().front(), args);
  if (!sources) return tl::unexpected(sources.error());
  if (auto r = read_output(args, sources->front(), request.options.output); !r) return r;
  std::error_code ignored;
  if (args.is_on("if-db-not-exists") && std::filesystem::exists(request.options.output, ignored)) {
    note(request, "database already exists, skipping");
    return {};
  }
  const Interrupt interrupt;
  const replica::Call call{.stop = interrupt.token(), .deadline = {}};
  if (!args.is_on("dry-run") && !args.is_on("follow")) return restore(std::move(request), args, *sources, call);
  if (args.is_on("follow"))
    if (auto r = check_follow(request, args); !r) return r;
  const auto best = best_source(*sources, request.target, call);
  if (!best) return tl::unexpected(best.error());
  return args.is_on("follow") ? follow_replica(request, args, *best, call) : show_plan(request, args, *best, call);
}

}  // namespace

Verb restore_verb() { return restore_verb({}); }

Verb restore_verb(const RestoreStyle& style) {
  return {"restore",
          "DB_PATH|REPLICA_URL",
          "Restore a database from its replica.",
          {{"o", "PATH", "where to restore to", "DB_PATH"},
           {"txid", "TXID", "up to this transaction, 16 hex digits"},
           {"timestamp", "TIME", "as it was before this time, RFC 3339"},
           {"parallelism", "N", "files fetched at once", "8"},
           {"if-db-not-exists", "", "do nothing when the database exists"},
           {"if-replica-exists", "", "do nothing when there is no backup"},
           {"dry-run", "", "only show what would be fetched"},
           {"force", "", "overwrite an existing database"},
           {"integrity-check", "MODE", "none, quick or full", "none"},
           {"follow", "", "go on and apply what is new, in place, until told to stop"},
           {"follow-interval", "DURATION", "how often to look for what is new", "1s"},
           kReplicaFlag,
           kConfigFlag,
           kNoExpandFlag,
           kJsonFlag},
          [style](const cli::Arguments& args) { return run_restore(style, args); }};
}

}  // namespace litestreamctl

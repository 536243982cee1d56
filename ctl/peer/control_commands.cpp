// The commands that ask a running daemon, ours or the peer's: REST over the Unix socket.
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>

#include "config/duration.hpp"
#include "control/rest_client.hpp"
#include "output.hpp"
#include "peer/command.hpp"
#include "replica/types.hpp"

namespace litestreamctl::peer {

namespace json = boost::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr std::string_view kDefaultSocket = "/var/run/litestream.sock";
constexpr long kDefaultSeconds = 30, kQuerySeconds = 10;
constexpr long kForEver = 86'400;  // what a timeout of 0 means here

constexpr Flag kSocket{"socket", FlagKind::text, "PATH", "Path to control socket (default: /var/run/litestream.sock)."};
constexpr Flag kTimeout{"timeout", FlagKind::integer, "SECONDS", "Maximum time to wait in seconds (default: 30)."};
constexpr Flag kQueryTimeout{"timeout", FlagKind::integer, "SECONDS", "Maximum time to wait in seconds (default: 10)."};

std::string socket_of(const Arguments& args) { return args.value("socket", kDefaultSocket); }

std::string text_of(const json::value& object, std::string_view name) {
  const json::value* found = object.is_object() ? object.get_object().if_contains(name) : nullptr;
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

std::uint64_t number_of(const json::value& object, std::string_view name) {
  const json::value* found = object.is_object() ? object.get_object().if_contains(name) : nullptr;
  boost::system::error_code error;
  const auto number = found != nullptr && found->is_number() ? found->to_number<std::uint64_t>(error) : 0;
  return error ? 0 : number;
}

// "Get", as Go's client names methods in its errors.
tl::unexpected<Problem> unreachable(std::string_view method, std::string_view path, const control::Error& error) {
  const bool answered_late = error.reason == "timed_out" && !error.message.starts_with("dial ");
  return refuse(
      "failed to connect to control socket: " + std::string(method == "GET" ? "Get" : "Post") + " \"http://localhost" +
      std::string(path) + "\": " +
      (answered_late ? "context deadline exceeded (Client.Timeout exceeded while awaiting headers)" : error.message));
}

// The body of a 200.
tl::expected<json::value, Problem> ask(const Arguments& args, std::string_view path, const json::value& body,
                                       long timeout) {
  const std::string_view method = body.is_null() ? "GET" : "POST";
  const std::string name(path.substr(1));
  const std::string text = body.is_null() ? "" : json::serialize(body);
  const auto reply = control::rest_request(socket_of(args), {method, path, text},
                                           seconds(timeout == 0 ? kForEver : std::max(timeout, 0L)));
  if (!reply) return unreachable(method, path, reply.error());
  boost::system::error_code error;
  json::value answer = json::parse(reply->body, error);
  if (reply->status != 200) {
    const std::string why = error ? std::string() : text_of(answer, "error");
    return refuse(name + " failed: " + (why.empty() ? reply->body : why));
  }
  if (error) return refuse("failed to parse response: " + error.message());
  return answer;
}

std::string lines(std::initializer_list<std::pair<const char*, std::string>> pairs) {
  std::string out;
  for (const auto& [name, value] : pairs) out += std::string(name) + ": " + value + "\n";
  return out;
}

std::string to_seconds(const std::string& time) {
  const auto parsed = replica::parse_rfc3339(time);
  return parsed ? replica::to_rfc3339(std::chrono::floor<seconds>(*parsed)) : time;
}

// Checks what all commands with a database check, in the peer's order.
tl::expected<std::string, Problem> database_of(const Arguments& args, std::string_view example) {
  if (args.positional().empty()) return refuse("database path required", example);
  if (args.positional().size() > 1) return refuse("too many arguments");
  return args.positional().front();
}

Outcome check_timeout(const Arguments& args, long otherwise) {
  if (args.seconds("timeout", otherwise) <= 0) return refuse("timeout must be greater than 0");
  return {};
}

json::object request_for(const std::string& path, long timeout) { return {{"path", path}, {"timeout", timeout}}; }

Outcome change_state(const Arguments& args, std::string_view route, std::string_view example, std::string_view state) {
  const auto path = database_of(args, example);
  if (!path) return tl::unexpected(path.error());
  const long timeout = args.seconds("timeout", kDefaultSeconds);
  const auto answer = ask(args, route, request_for(*path, timeout), timeout);
  if (!answer) return tl::unexpected(answer.error());
  const std::string status = text_of(*answer, "status"), db = text_of(*answer, "path");
  const std::uint64_t txid = number_of(*answer, "txid");
  if (args.is_on("json"))
    return printed(json_text(json::object{
        {"status", status}, {"db_path", db}, {"state", state}, {"txid", txid}, {"socket", socket_of(args)}}));
  return printed(lines({{"status", status},
                        {"db_path", db},
                        {"state", std::string(state)},
                        {"txid", std::to_string(txid)},
                        {"socket", socket_of(args)}}));
}

Outcome run_start(const Arguments& args) {
  return change_state(args, "/start", "litestream start /path/to/db", "running");
}

Outcome run_stop(const Arguments& args) {
  return change_state(args, "/stop", "litestream stop /path/to/db", "stopped");
}

Outcome run_sync(const Arguments& args) {
  const auto path = database_of(args, "litestream sync /path/to/db");
  if (!path) return tl::unexpected(path.error());
  if (auto r = check_timeout(args, kDefaultSeconds); !r) return r;
  const long timeout = args.seconds("timeout", kDefaultSeconds);
  json::object body = request_for(*path, timeout);
  if (args.is_on("wait")) body["wait"] = true;
  const auto begin = std::chrono::steady_clock::now();
  const auto answer = ask(args, "/sync", body, timeout);
  if (!answer) return tl::unexpected(answer.error());
  const auto took = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begin).count();
  json::object out{{"db_path", text_of(*answer, "path")}, {"txid", number_of(*answer, "txid")}};
  if (args.is_on("wait")) out["replica_txid"] = number_of(*answer, "replicated_txid");
  out["duration_ms"] = took;
  if (args.is_on("json")) return printed(json_text(out));
  std::string text;
  for (const auto& member : out)
    text += std::string(member.key()) + ": " +
            (member.value().is_string() ? std::string(member.value().get_string()) : json::serialize(member.value())) +
            "\n";
  return printed(text);
}

Outcome run_register(const Arguments& args) {
  constexpr std::string_view kExample = "litestream register -replica s3://bucket/prefix /path/to/db";
  const auto path = database_of(args, kExample);
  if (!path) return tl::unexpected(path.error());
  const std::string replica = args.value("replica");
  if (replica.empty()) return refuse("-replica is required", kExample);
  if (auto r = check_timeout(args, kDefaultSeconds); !r) return r;
  const auto answer = ask(args, "/register", json::object{{"path", *path}, {"replica_url", replica}},
                          args.seconds("timeout", kDefaultSeconds));
  if (!answer) return tl::unexpected(answer.error());
  const std::string status = text_of(*answer, "status"), db = text_of(*answer, "path");
  if (args.is_on("json"))
    return printed(json_text(
        json::object{{"status", status}, {"db_path", db}, {"replica", replica}, {"socket", socket_of(args)}}));
  return printed(lines({{"status", status == "already_registered" ? "already registered" : status},
                        {"db_path", db},
                        {"replica", replica},
                        {"socket", socket_of(args)}}));
}

std::string preview(const Arguments& args, const std::string& path, long timeout) {
  return "Dry run: unregister request preview\n"
         "  database: " +
         path + "\n  socket: " + socket_of(args) +
         "\n  replicas: daemon-managed replica for this database\n"
         "  final sync: daemon close will sync the database and replica before the command completes\n"
         "  timeout: " +
         std::to_string(timeout) + "s\nNo unregister request was sent.\n";
}

Outcome run_unregister(const Arguments& args) {
  const auto path = database_of(args, "litestream unregister /path/to/db");
  if (!path) return tl::unexpected(path.error());
  if (auto r = check_timeout(args, kDefaultSeconds); !r) return r;
  const long timeout = args.seconds("timeout", kDefaultSeconds);
  if (args.is_on("dry-run")) return printed(preview(args, *path, timeout));
  const auto answer = ask(args, "/unregister", request_for(*path, timeout), timeout);
  if (!answer) return tl::unexpected(answer.error());
  const std::string status = text_of(*answer, "status"), db = text_of(*answer, "path");
  const std::uint64_t txid = number_of(*answer, "txid");
  if (args.is_on("json"))
    return printed(json_text(
        json::object{{"status", status}, {"db_path", db}, {"final_txid", txid}, {"socket", socket_of(args)}}));
  return printed(
      lines({{"status", status}, {"db_path", db}, {"final_txid", std::to_string(txid)}, {"socket", socket_of(args)}}));
}

tl::expected<json::value, Problem> query(const Arguments& args, std::string_view route) {
  if (!args.positional().empty()) return refuse("too many arguments");
  if (auto r = check_timeout(args, kQuerySeconds); !r) return tl::unexpected(r.error());
  return ask(args, route, nullptr, args.seconds("timeout", kQuerySeconds));
}

Outcome run_list(const Arguments& args) {
  const auto answer = query(args, "/list");
  if (!answer) return tl::unexpected(answer.error());
  if (args.is_on("json")) return printed(json_text(*answer));
  std::string text;
  const json::value* databases = answer->is_object() ? answer->get_object().if_contains("databases") : nullptr;
  if (databases != nullptr && databases->is_array())
    for (const json::value& entry : databases->get_array()) {
      const std::string last = text_of(entry, "last_sync_at");
      text += text_of(entry, "path") + " [" + text_of(entry, "status") +
              "] (last sync: " + (last.empty() ? "never" : to_seconds(last)) + ")\n";
    }
  return printed(text.empty() ? "No databases configured\n" : text);
}

Outcome run_info(const Arguments& args) {
  const auto answer = query(args, "/info");
  if (!answer) return tl::unexpected(answer.error());
  if (args.is_on("json")) return printed(json_text(*answer));
  return printed("Litestream " + text_of(*answer, "version") +
                 "\n  PID:        " + std::to_string(number_of(*answer, "pid")) +
                 "\n  Uptime:     " + config::format_duration(seconds(number_of(*answer, "uptime_seconds"))) +
                 "\n  Started at: " + to_seconds(text_of(*answer, "started_at")) +
                 "\n  Databases:  " + std::to_string(number_of(*answer, "database_count")) + "\n");
}

}  // namespace

std::vector<Command> control_commands() {
  constexpr Flag kWait{"wait", FlagKind::boolean, "", "Return when all is durable on the replica."};
  constexpr Flag kReplica{"replica", FlagKind::text, "URL",
                          "Where to replicate to, as in file:///backup/app.db (required)."};
  constexpr Flag kDryRun{"dry-run", FlagKind::boolean, "", "Show what would be asked of the daemon, and ask nothing."};
  return {
      {"info", "", "Show daemon information.", {kSocket, kQueryTimeout, kJson}, run_info},
      {"list", "", "List the databases of a running daemon.", {kSocket, kQueryTimeout, kJson}, run_list},
      {"register",
       "DB_PATH",
       "Register a database for replication.",
       {kReplica, kSocket, kTimeout, kJson},
       run_register},
      {"start", "DB_PATH", "Start replication for a database.", {kSocket, kTimeout, kJson}, run_start},
      {"stop", "DB_PATH", "Stop replication for a database, with a final sync.", {kSocket, kTimeout, kJson}, run_stop},
      {"sync", "DB_PATH", "Force an immediate sync of a database.", {kWait, kSocket, kTimeout, kJson}, run_sync},
      {"unregister",
       "DB_PATH",
       "Unregister a database, with a final sync.",
       {kDryRun, kSocket, kTimeout, kJson},
       run_unregister},
  };
}

}  // namespace litestreamctl::peer

// The method table: the one place that says which methods there are. Dispatch, validation, the help of litestreamctl
// and docs/protocol.md all come from it.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "control/access.hpp"
#include "control/api.hpp"

namespace control {

// One parameter, or one member of a result.
struct Field {
  std::string_view name;
  std::string flag{};            // its name on the command line: "dry-run" for dry_run
  std::string_view type;         // as in JSON Schema: "string", "boolean", "integer", "number"…
  bool required = true;          // for results: always there
  std::string default_value{};   // as JSON text; empty = none
  std::string_view placeholder;  // "DB_PATH", "SECONDS"; empty = a switch on the command line
  std::string_view doc;
};

// How long a method takes. brief: a few values from memory, so that the server answers on its io thread. ordinary: also
// from memory, but as much as there are databases. waits: may block until its deadline. parks: does nothing but wait.
enum class Pace { brief, ordinary, waits, parks };

struct ErrorDoc {
  int code;
  std::string_view message;  // <path> and <detail> stand for what varies
  std::string_view reason;
};

class RequestMemory;

// When a request came in, from whom and how, and who may end it.
struct Arrival {
  std::chrono::steady_clock::time_point at = std::chrono::steady_clock::now();
  UnixTime on_the_clock = std::chrono::time_point_cast<UnixTime::duration>(std::chrono::system_clock::now());
  std::stop_token stop{};
  RequestMemory* memory = nullptr;  // where `request_id` is looked up; without it each call is done
  PrincipalPtr caller{};            // nullptr = this process itself: everything is allowed
  Transport transport = Transport::unix_socket;
  // Where a method that streams leaves what is to follow its result; nullptr where nothing can follow.
  std::shared_ptr<EventSource>* stream = nullptr;
};

struct Method {
  std::string_view name;
  std::string_view alias;  // empty = none
  std::string_view summary;
  std::vector<Field> params;
  std::vector<Field> result;
  bool result_is_array = false;  // of objects with the fields of `result`
  Role role = Role::read;        // what the caller must be allowed to do
  Pace pace = Pace::ordinary;
  std::vector<ErrorDoc> errors;
  std::string_view example_params;  // JSON text; empty = none
  std::string_view example_result;
  Result<boost::json::value> (*invoke)(Service&, const boost::json::object& params, const Arrival&);
  bool for_all = false;  // the answer tells of no database: also for callers who may use some of them only
  std::vector<std::string_view> admin_params{};  // parameters that only an admin may give
  bool streams = false;                          // events follow the result

  // The result is one object a database, with its path; callers get those that they may use.
  bool lists_databases() const;
};

std::span<const Method> methods();

// By name or alias; nullptr when there is none.
const Method* find_method(std::string_view name);

// Checks `params` (object, or null for none) against the table and calls the Service. The deadline is `arrival.at` plus
// the timeout asked for, less 250 ms but never less than half of it; when it has passed already, or a stop was
// requested, the Service is not called.
Result<boost::json::value> invoke(const Method& method, Service& service, const boost::json::value& params,
                                  const Arrival& arrival);

// The deadline rule alone.
std::chrono::milliseconds working_time(std::chrono::milliseconds timeout);

// "start [OPTIONS] DB_PATH": required parameters are positional on the command line, the others options.
std::string usage(const Method& method);

// One line an option, "  -timeout SECONDS  Maximum wait time (default: 30)"; empty without options.
std::string options_help(const Method& method);

// The whole of docs/protocol.md.
std::string protocol_markdown();

}  // namespace control

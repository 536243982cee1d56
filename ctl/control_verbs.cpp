#include <algorithm>

#include "config/paths.hpp"
#include "connect.hpp"
#include "control/client.hpp"
#include "control/methods.hpp"
#include "output.hpp"
#include "verb.hpp"

namespace litestreamctl {

namespace json = boost::json;
using std::chrono::milliseconds;

namespace {

// Whole seconds as an integer, as everybody writes them.
json::value seconds(milliseconds time) {
  if (time.count() % 1000 == 0) return time.count() / 1000;
  return std::chrono::duration<double>(time).count();
}

// The daemon has a working directory of its own: paths travel absolute.
tl::expected<json::value, Problem> absolute(const std::string& path) {
  auto full = config::absolute_path(path);
  if (!full) return misuse(full.error().message);
  return json::value(*full);
}

tl::expected<json::value, Problem> option_value(const control::Field& field, const cli::Arguments& args) {
  if (field.placeholder.empty()) return json::value(args.is_on(field.flag));
  if (field.name == "config") return absolute(args.value(field.flag));
  if (field.type == "string") return json::value(args.value(field.flag));
  auto time = cli::parse_seconds(args.value(field.flag));
  if (!time) return misuse(time.error().message);
  return seconds(*time);
}

// Required parameters are the arguments, in the order of the table; the others are options.
tl::expected<json::object, Problem> params_of(const control::Method& method, const cli::Arguments& args) {
  json::object params;
  std::size_t used = 0;
  for (const control::Field& field : method.params) {
    tl::expected<json::value, Problem> value;
    if (field.required) {
      if (used == args.positional().size())
        return misuse("database path required", "litestreamctl " + control::usage(method));
      value = absolute(args.positional()[used++]);
    } else if (args.has(field.flag)) {
      value = option_value(field, args);
    } else {
      continue;
    }
    if (!value) return tl::unexpected(value.error());
    params[std::string(field.name)] = std::move(*value);
  }
  if (used < args.positional().size()) return misuse("too many arguments");
  return params;
}

Outcome run_method(const control::Method& method, const cli::Arguments& args) {
  if (!args.has("socket") && !args.has("addr")) return misuse("socket path required; use -socket flag");
  const auto params = params_of(method, args);
  if (!params) return tl::unexpected(params.error());
  milliseconds timeout = control::kDefaultTimeout;
  if (args.has("timeout")) {
    const auto given = cli::parse_seconds(args.value("timeout"));
    if (!given) return misuse(given.error().message);
    timeout = *given;
  }
  auto client = connect(args, timeout);
  if (!client) return tl::unexpected(client.error());
  const auto result = client->call(method.name, params->empty() ? json::value() : json::value(*params), timeout);
  if (!result) return problem(result.error());
  if (!print(pretty(*result))) return problem(replica::Error{replica::Errc::io, "cannot write the result"});
  return {};
}

Verb verb_of(const control::Method& method) {
  Verb verb;
  verb.name = method.name;
  verb.summary = method.summary;
  for (const control::Field& field : method.params) {
    if (field.required) {
      verb.arguments += (verb.arguments.empty() ? "" : " ") + std::string(field.placeholder);
    } else {
      // What a switch is without it needs no words.
      const bool is_switch = field.placeholder.empty();
      verb.flags.push_back(
          {field.flag, field.placeholder, field.doc, is_switch ? "" : std::string_view(field.default_value)});
    }
  }
  const auto connection = connection_flags();
  verb.flags.insert(verb.flags.end(), connection.begin(), connection.end());
  verb.run = [&method](const cli::Arguments& args) { return run_method(method, args); };
  return verb;
}

}  // namespace

std::vector<Verb> control_verbs() {
  std::vector<Verb> verbs;
  for (const control::Method& method : control::methods()) verbs.push_back(verb_of(method));
  return verbs;
}

}  // namespace litestreamctl

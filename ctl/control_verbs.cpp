#include "connect.hpp"
#include "control_call.hpp"
#include "many.hpp"
#include "output.hpp"
#include "replica/clock.hpp"
#include "rows.hpp"

namespace litestreamctl {

namespace json = boost::json;

namespace {

bool takes(const control::Method& method, std::string_view name) {
  for (const control::Field& field : method.params)
    if (field.name == name) return true;
  return false;
}

bool is_action(const control::Method& method) {
  return method.name == "start" || method.name == "stop" || method.name == "sync";
}

// Required parameters are the arguments, in the order of the table; the others are options.
tl::expected<json::object, Problem> params_of(const control::Method& method, const cli::Arguments& args) {
  json::object params;
  std::size_t used = 0;
  for (const control::Field& field : method.params) {
    if (!field.required) continue;
    const bool is_path = field.name == "path";
    if (used == args.positional().size())
      return misuse((is_path ? "database path" : std::string(field.name)) + " required",
                    "litestreamctl " + control::usage(method));
    const std::string& word = args.positional()[used++];
    auto value = is_path ? absolute(word) : json::value(word);
    if (!value) return tl::unexpected(value.error());
    params[field.name] = std::move(*value);
  }
  const auto options = options_of(method, args);
  if (!options) return tl::unexpected(options.error());
  for (const auto& [name, value] : *options) params[name] = value;
  if (used < args.positional().size()) return misuse("too many arguments");
  return params;
}

std::string text_of(const control::Method& method, const json::value& result) {
  if (result.is_array()) return list_text(result, replica::SystemClock().now());
  if (!result.is_object()) return pretty(result);
  return is_action(method) ? outcome_line(result.get_object()) : object_text(result.get_object());
}

Outcome run_method(const control::Method& method, const cli::Arguments& args) {
  if (args.value("socket").empty() && args.value("addr").empty())
    return misuse("socket path required; use -socket flag");
  if (is_action(method) && names_many(args)) return run_on_many(method, args);
  auto params = params_of(method, args);
  if (!params) return tl::unexpected(params.error());
  const auto timeout = timeout_of(args);
  if (!timeout) return tl::unexpected(timeout.error());
  const bool text = wants_text(args);
  if (text && takes(method, "details") && !args.has("details")) (*params)["details"] = true;
  auto client = dial(args);
  if (!client) return tl::unexpected(client.error());
  const auto result = client->call(method.name, params->empty() ? json::value() : json::value(*params), *timeout);
  if (!result) return problem(result.error());
  return printed(text ? text_of(method, *result) : pretty(*result));
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
      if (field.name == "persist") verb.flags.push_back({"no-persist", "", "The opposite of -persist"});
    }
  }
  if (is_action(method)) {
    verb.arguments = "DB_PATH|'GLOB'";
    verb.flags.push_back(kAllFlag);
  }
  verb.flags.push_back({"json", "", "print JSON, also on a terminal"});
  verb.flags = with_connection_flags(std::move(verb.flags));
  verb.run = [&method](const cli::Arguments& args) { return run_method(method, args); };
  return verb;
}

}  // namespace

std::vector<Verb> control_verbs() {
  std::vector<Verb> verbs;
  for (const control::Method& method : control::methods())
    if (!method.streams) verbs.push_back(verb_of(method));
  return verbs;
}

}  // namespace litestreamctl

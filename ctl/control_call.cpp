#include "control_call.hpp"

#include <unistd.h>

#include <charconv>

#include "config/paths.hpp"
#include "connect.hpp"

namespace litestreamctl {

namespace json = boost::json;
using std::chrono::milliseconds;

namespace {

tl::expected<json::value, Problem> option_value(const control::Field& field, const cli::Arguments& args) {
  if (field.name == "persist") return json::value(args.is_on("persist") && !args.is_on("no-persist"));
  if (field.placeholder.empty()) return json::value(args.is_on(field.flag));
  if (field.name == "config" || field.name == "path") return absolute(args.value(field.flag));
  if (field.type == "string") return json::value(args.value(field.flag));
  if (field.type == "integer") {
    const std::string text = args.value(field.flag);
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || text.empty() || end != text.data() + text.size())
      return misuse("invalid value \"" + text + "\" for flag -" + field.flag + ": must be a whole number");
    return json::value(number);
  }
  auto time = cli::parse_seconds(args.value(field.flag));
  if (!time) return misuse(time.error().message);
  return seconds(*time);
}

}  // namespace

json::value seconds(milliseconds time) {
  if (time.count() % 1000 == 0) return time.count() / 1000;
  return std::chrono::duration<double>(time).count();
}

tl::expected<json::value, Problem> absolute(const std::string& path) {
  auto full = config::absolute_path(path);
  if (!full) return misuse(full.error().message);
  return json::value(*full);
}

tl::expected<milliseconds, Problem> timeout_of(const cli::Arguments& args) {
  if (!args.has("timeout")) return control::kDefaultTimeout;
  const auto given = cli::parse_seconds(args.value("timeout"));
  if (!given) return misuse(given.error().message);
  return *given;
}

tl::expected<json::object, Problem> options_of(const control::Method& method, const cli::Arguments& args) {
  json::object params;
  for (const control::Field& field : method.params) {
    const bool is_given = args.has(field.flag) || (field.name == "persist" && args.has("no-persist"));
    if (field.required || !is_given) continue;
    auto value = option_value(field, args);
    if (!value) return tl::unexpected(value.error());
    params[field.name] = std::move(*value);
  }
  return params;
}

tl::expected<control::Client, Problem> dial(const cli::Arguments& args) {
  const auto timeout = timeout_of(args);
  if (!timeout) return tl::unexpected(timeout.error());
  return connect(args, *timeout);
}

bool wants_text(const cli::Arguments& args) { return !args.is_on("json") && ::isatty(STDOUT_FILENO) == 1; }

}  // namespace litestreamctl

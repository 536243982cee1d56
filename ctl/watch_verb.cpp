#include "watch_verb.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>

#include "config/paths.hpp"
#include "connect.hpp"
#include "interrupt.hpp"
#include "output.hpp"

namespace litestreamctl {

namespace json = boost::json;

namespace {

constexpr std::size_t kKindWidth = 10;
constexpr std::chrono::milliseconds kConnectTimeout{5'000};

std::string text_of(const json::object& event, std::string_view key) {
  const json::value* value = event.if_contains(key);
  if (value == nullptr) return {};
  std::string text = value->is_string() ? std::string(value->get_string()) : json::serialize(*value);
  // Names of files and messages may hold what a terminal takes for orders.
  std::replace_if(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return text;
}

// The daemon compares with absolute paths; a glob that begins with ** means any directory.
std::string absolute_glob(const std::string& glob) {
  if (glob.empty() || glob.starts_with("**")) return glob;
  const auto full = config::absolute_path(glob);
  return full ? *full : glob;
}

tl::expected<json::object, Problem> params_of(const cli::Arguments& args) {
  json::object params;
  json::array paths;
  for (const std::string& glob : args.positional()) paths.emplace_back(json::string(absolute_glob(glob)));
  if (args.has("path")) paths.emplace_back(json::string(absolute_glob(args.value("path"))));
  if (!paths.empty()) params["paths"] = std::move(paths);
  if (args.has("kind")) {
    json::array kinds;
    const std::string all = args.value("kind");
    for (std::size_t at = 0; at <= all.size();) {
      const std::size_t end = std::min(all.find(',', at), all.size());
      kinds.emplace_back(json::string(all.substr(at, end - at)));
      at = end + 1;
    }
    params["kinds"] = std::move(kinds);
  }
  if (args.has("from")) {
    const std::string text = args.value("from");
    std::uint64_t from = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), from);
    if (error != std::errc() || end != text.data() + text.size())
      return misuse("invalid value \"" + text + "\" for flag -from: must be the number of an event");
    params["from"] = from;
  }
  if (args.has("run")) params["run"] = args.value("run");
  return params;
}

Outcome watch(const cli::Arguments& args) {
  const auto params = params_of(args);
  if (!params) return tl::unexpected(params.error());
  Interrupt interrupt;
  auto client = connect(args, kConnectTimeout);
  if (!client) return tl::unexpected(client.error());
  const bool as_json = args.is_on("json");
  bool written = true;
  const control::Client::Watcher watcher{.event = [&](const json::object& event) {
    written = print(as_json ? json::serialize(event) + "\n" : event_line(event));
    return written;
  }};
  const auto ended = client->watch(*params, watcher, interrupt.token());
  if (!ended) return problem(ended.error());
  if (!written) return problem(replica::Error{replica::Errc::io, "cannot write the events"});
  return {};
}

}  // namespace

std::string event_line(const json::object& event) {
  std::string kind = text_of(event, "kind");
  kind.resize(std::max(kind.size(), kKindWidth), ' ');
  std::string line = text_of(event, "time") + "  " + kind + " " + text_of(event, "path");
  if (event.contains("txid")) line += "  txid " + text_of(event, "txid");
  if (event.contains("level")) line += "  level " + text_of(event, "level");
  if (event.contains("code")) line += "  " + text_of(event, "code");
  if (event.contains("detail")) line += "  " + text_of(event, "detail");
  return line + "\n";
}

Verb watch_verb() {
  return {.name = "watch",
          .arguments = "[GLOB...]",
          .summary = "Show what happens to databases as it happens: one line an event, until interrupted.",
          .flags = with_connection_flags(
              {{"path", "GLOB", "only databases that match, in quotes; ** also across slashes", ""},
               {"kind", "KINDS", "only these kinds, separated by commas: synced,error", ""},
               {"from", "SEQ", "begin with this event, 0 = the oldest remembered; without it with the next one", ""},
               {"run", "RUN", "run of the daemon that -from belongs to; another one is an error", ""},
               {"json", "", "print one JSON object a line", ""}}),
          .run = watch};
}

}  // namespace litestreamctl

#include "config/events_schema.hpp"

#include <array>

#include "config/paths.hpp"
#include "config/section.hpp"

namespace config {

using replica::Result;

namespace {

constexpr std::size_t kMaxBuffer = 1'000'000;
constexpr int kMaxConcurrency = 32;
constexpr std::string_view kEventsDoc = "kinds of events (all)";
constexpr std::string_view kPathsDoc = "globs over absolute paths of databases, ** also across slashes (all)";

std::string known_kinds() {
  std::string out = "known are ";
  for (std::size_t n = 0; n < replica::kEventKinds; ++n)
    out.append(n == 0 ? "" : ", ").append(replica::name(static_cast<replica::EventKind>(n)));
  return out;
}

Result<void> read_kinds(const Spot& spot, const Node& node, std::vector<replica::EventKind>& out) {
  std::vector<std::string> names;
  if (auto r = assign(spot, node, names); !r) return r;
  for (std::size_t n = 0; n < names.size(); ++n) {
    const auto kind = replica::parse_event_kind(names[n]);
    const int line = node.kind == Node::Kind::sequence ? node.items[n].line : spot.line;
    if (!kind) return fail_at({spot.path, line}, "unknown kind of event: " + names[n], known_kinds());
    out.push_back(*kind);
  }
  return {};
}

Result<void> read_path(const Spot& spot, const Node& node, std::string& out) {
  if (auto r = assign(spot, node, out); !r || out.empty()) return r;
  auto full = absolute_path(out);
  if (!full) return fail_at(spot, full.error().message);
  out = std::move(*full);
  return {};
}

Result<void> read_positive(const Spot& spot, const Node& node, Duration& out) {
  if (auto r = assign(spot, node, out); !r) return r;
  if (out <= Duration::zero()) return fail_at(spot, "must be greater than 0 (got " + format_duration(out) + ")");
  return {};
}

// The address may hold credentials: it is not repeated.
Result<void> read_url(const Spot& spot, const Node& node, std::string& out) {
  if (auto r = assign(spot, node, out); !r) return r;
  if (!out.starts_with("http://") && !out.starts_with("https://"))
    return fail_at(spot, "must be an HTTP or HTTPS URL", "http://localhost:8080/events");
  return {};
}

using Webhook = WebhookSettings;
constexpr std::array kWebhookKeys{
    Key<Webhook>{"url", [](const Spot& s, const Node& n, Webhook& out) { return read_url(s, n, out.url); }, "string",
                 "where events are posted, each as a JSON object"},
    Key<Webhook>{"secret-file",
                 [](const Spot& s, const Node& n, Webhook& out) { return read_path(s, n, out.secret_file); }, "string",
                 "file with the key of X-Litestream-Signature, read for each delivery"},
    field<&Webhook::secret_env>("secret-env", "environment variable with the key; instead of secret-file"),
    Key<Webhook>{"ca-file", [](const Spot& s, const Node& n, Webhook& out) { return read_path(s, n, out.ca_file); },
                 "string", "whom to trust for https, PEM (the system's)"},
    Key<Webhook>{"events",
                 [](const Spot& s, const Node& n, Webhook& out) { return read_kinds(s, n, out.filter.kinds); }, "list",
                 kEventsDoc},
    Key<Webhook>{"paths", [](const Spot& s, const Node& n, Webhook& out) { return assign(s, n, out.filter.paths); },
                 "list", kPathsDoc},
    Key<Webhook>{"timeout", [](const Spot& s, const Node& n, Webhook& out) { return read_positive(s, n, out.timeout); },
                 "duration", "patience with one attempt (10s)"},
    Key<Webhook>{"retry-for",
                 [](const Spot& s, const Node& n, Webhook& out) { return read_positive(s, n, out.retry_for); },
                 "duration", "how long an event is tried again (10m)"},
};
constexpr Table<Webhook> kWebhook{kWebhookKeys};

Result<void> read_webhook(const Spot& spot, const Node& node, std::optional<Webhook>& out) {
  if (node.kind == Node::Kind::null) return {};
  if (auto r = read_section(spot, node, kWebhook, out.emplace()); !r) return r;
  if (out->url.empty()) return fail_at(spot, "url required");
  if (!out->secret_file.empty() && !out->secret_env.empty())
    return fail_at(spot, "cannot specify both secret-file and secret-env");
  return {};
}

using Exec = ExecHookSettings;
constexpr std::array kExecKeys{
    field<&Exec::command>("command", "program and arguments, run for each event without a shell"),
    Key<Exec>{"events", [](const Spot& s, const Node& n, Exec& out) { return read_kinds(s, n, out.filter.kinds); },
              "list", kEventsDoc},
    Key<Exec>{"paths", [](const Spot& s, const Node& n, Exec& out) { return assign(s, n, out.filter.paths); }, "list",
              kPathsDoc},
    Key<Exec>{"timeout", [](const Spot& s, const Node& n, Exec& out) { return read_positive(s, n, out.timeout); },
              "duration", "after which it is killed (30s)"},
    field<&Exec::concurrency>("concurrency", "how many run at a time; 1 keeps their order (1)"),
};
constexpr Table<Exec> kExec{kExecKeys};

Result<void> read_exec(const Spot& spot, const Node& node, std::optional<Exec>& out) {
  if (node.kind == Node::Kind::null) return {};
  if (auto r = read_section(spot, node, kExec, out.emplace()); !r) return r;
  if (out->command.empty() || out->command.front().empty()) return fail_at(spot, "command required");
  if (out->concurrency < 1 || out->concurrency > kMaxConcurrency)
    return fail_at(spot, "concurrency must be from 1 to " + std::to_string(kMaxConcurrency));
  return {};
}

using Section = EventsSettings;
constexpr std::array kEventsKeys{
    Key<Section>{"lag-limit",
                 [](const Spot& s, const Node& n, Section& out) -> Result<void> {
                   if (auto r = assign(s, n, out.lag_limit); !r) return r;
                   return out.lag_limit < Duration::zero() ? fail_at(s, "must not be negative") : Result<void>{};
                 },
                 "duration", "age of a change not on the replica that is told as lagging; 0 = never (1m)"},
    Key<Section>{"buffer",
                 [](const Spot& s, const Node& n, Section& out) -> Result<void> {
                   if (auto r = assign(s, n, out.buffer); !r) return r;
                   if (out.buffer >= 1 && out.buffer <= kMaxBuffer) return {};
                   return fail_at(s, "must be from 1 to " + std::to_string(kMaxBuffer));
                 },
                 "integer", "events that are remembered for who comes back (8192)"},
    Key<Section>{"webhook", [](const Spot& s, const Node& n, Section& out) { return read_webhook(s, n, out.webhook); },
                 "section", "events as HTTP requests"},
    Key<Section>{"exec", [](const Spot& s, const Node& n, Section& out) { return read_exec(s, n, out.exec); },
                 "section", "a program run for events"},
};
constexpr Table<Section> kEvents{kEventsKeys};

}  // namespace

Result<void> read_events(const Spot& spot, const Node& node, EventsSettings& out) {
  return read_section(spot, node, kEvents, out);
}

std::string describe_events() {
  std::string out;
  describe<Section>(out, "\nevents:", kEventsKeys);
  describe<Webhook>(out, "\nevents.webhook:", kWebhookKeys);
  describe<Exec>(out, "\nevents.exec:", kExecKeys);
  return out;
}

}  // namespace config
